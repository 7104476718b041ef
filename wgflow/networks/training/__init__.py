"""Training of finite networks: students of a teacher, and classifiers by their margin."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
