"""How far a run is from the truth: the same run on coarser grids, or with fewer particles, tells it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
