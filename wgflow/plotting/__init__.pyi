from .animation import animate_trajectory as animate_trajectory
from .animation import check_film as check_film
from .characteristics import plot_characteristics as plot_characteristics
from .comparison_figure import plot_comparison as plot_comparison
from .files import check_figure_path as check_figure_path
from .files import save_figure as save_figure
from .overview import plot_trajectory as plot_trajectory
