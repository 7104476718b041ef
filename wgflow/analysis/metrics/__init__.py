"""Distances between discrete measures; grid measures are atoms at the cell centres (`nodes_of_cells`)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
