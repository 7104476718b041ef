"""Wasserstein gradient flows on grids and with particles.

>>> import wgflow
>>> flow = wgflow.run("teacher.toml")  # doctest: +SKIP
>>> flow.risk[-1]  # doctest: +SKIP
"""

from typing import Any

import lazy_loader

from wgflow.former_names import install

install()

# Names are imported when they are first used: numba and the rest take a second that `wgflow --help` need not pay.
_public, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("wgflow")
    return _public(name)
