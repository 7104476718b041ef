"""The flow as a system of particles: finite-width networks, and characteristics of the PDE."""

import lazy_loader

from wgflow.former_names import with_former

_present, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__getattr__ = with_former(__name__, _present)
