"""What the library needs of the machine: caches, threads, drafts of files, paths, signals, memory."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
