"""The flow by its definition: steps that minimise F plus the squared distance to the last state."""

import lazy_loader

from wgflow.former_names import with_former

_present, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__getattr__ = with_former(__name__, _present)
