"""The flow along its characteristics: nodes of a quadrature, which carry masses and densities on every domain."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
