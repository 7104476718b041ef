"""Upwind transport on meshes: explicit schemes in space, and the equations of a step that is implicit."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
