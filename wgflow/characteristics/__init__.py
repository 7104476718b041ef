"""The flow along its characteristics: one node for each cell, whose density follows from its neighbours."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
