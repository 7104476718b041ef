"""The flow of a density by finite volumes: explicit and implicit methods in time."""

import lazy_loader

from wgflow.former_names import with_former

_present, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__getattr__ = with_former(__name__, _present)
