"""The contract of solvers, and the loop that carries any of them through its output times."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
