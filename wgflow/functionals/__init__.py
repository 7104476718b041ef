"""Functionals F of measures, with their first variations J, on grids and at particles."""

import lazy_loader

from wgflow.former_names import with_former

_present, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__getattr__ = with_former(__name__, _present)
