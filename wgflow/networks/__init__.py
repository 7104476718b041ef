"""What knows neurons: activations, ReLU sums, population risks and the training of finite networks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
