from .flow import CharacteristicFlow as CharacteristicFlow
from .flow import nodes_of_cells as nodes_of_cells
