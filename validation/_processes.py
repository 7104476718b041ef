"""Work of validations in processes side by side: of this machine, or dask workers that a scheduler knows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeVar
from zipfile import ZipFile

from wgflow.app.sweeps.cluster import check_libraries, connect
from wgflow.app.validation import Setting
from wgflow.system.terminal import make_console

from ._pool import single_threaded_pool

if TYPE_CHECKING:
    from distributed import Client

T = TypeVar("T")
Found = TypeVar("Found")


def side_by_side(work: Callable[[T], Found], items: Sequence[T], setting: Setting, title: str) -> list[Found]:
    """Results of a function of each item, in their order, from processes of one thread each.

    Quick runs stay in this process: others would first load all kernels.
    """
    from rich.progress import track

    if setting.quick:
        return list(map(work, items))
    with single_threaded_pool(setting.processes) as pool:
        return list(track(pool.map(work, items), title, len(items), console=make_console()))


@contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    """Set variables for processes that start meanwhile."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ |= variables
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def dask_workers(scheduler: str | None, processes: int) -> Iterator[Client]:
    """Give a client of dask workers of one thread each, which know the modules of this package.

    Parameters
    ----------
    scheduler : str or None
        Address of a dask scheduler; None starts processes on this machine.
    processes : int
        How many are started.
    """
    check_libraries()
    with connect(scheduler, processes, 1) as client:
        if scheduler is not None and __package__ == "validation":
            _send_package(client)
        yield client


def _send_package(client: Client) -> None:
    """Send the modules of this package, which other machines need not have: it is beside wgflow, not in it."""
    folder = Path(__file__).parent
    with TemporaryDirectory() as place:
        archive = Path(place) / f"{folder.name}.zip"
        with ZipFile(archive, "w") as file:
            for module in folder.rglob("*.py"):
                file.write(module, module.relative_to(folder.parent))
        client.upload_file(str(archive))
