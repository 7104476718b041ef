from .flow import CharacteristicFlow as CharacteristicFlow
