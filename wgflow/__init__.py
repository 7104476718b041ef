"""Wasserstein gradient flows on grids and with particles.

>>> import wgflow
>>> trajectory = wgflow.run("teacher.toml")  # doctest: +SKIP
>>> trajectory.risk[-1]  # doctest: +SKIP
"""

from typing import Any

import lazy_loader

from wgflow.former_names import install

install()

# Names are imported when they are first used: numba and the rest take a second that `wgflow --help` need not pay.
_public, _, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("wgflow")
    if name in __all__:
        import numpy  # noqa: F401  # threads that ask for several names at once would find parts of it
    return _public(name)
