"""Measures as particles and densities, and what is done to them: drawing, depositing, carrying over."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
