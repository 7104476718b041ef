"""Sweeps: one problem for all combinations of some values, on many processes, gathered into one dataset."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
