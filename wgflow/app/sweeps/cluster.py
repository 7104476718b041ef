"""The processes that carry out a sweep: a cluster on this machine, or one that a scheduler knows.

Whoever can speak to a scheduler or a worker can run code in it. Those that are started here speak TLS only, with keys
that are made for them and never leave their memory, so that no other user of the machine can join.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wgflow.errors import FlowWarning, InputError, MissingExtraError
from wgflow.text import shown

if TYPE_CHECKING:
    from distributed import Client, LocalCluster, Security
    from distributed.deploy.cluster import Cluster

    Scheduler = str | Cluster

WAIT_SECONDS = 30.0  # for the first worker of a scheduler
STOP_SECONDS = 0.5  # for workers to end by themselves after Ctrl-C
BLAS_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def check_libraries() -> None:
    """Raise MissingExtraError unless all that a sweep needs is installed."""
    for library in ("distributed", "xarray", "h5netcdf"):
        try:
            __import__(library)
        except ImportError:
            raise MissingExtraError(library, "sweep", "a sweep") from None


@contextmanager
def connect(scheduler: Scheduler | None, workers: int, threads: int) -> Iterator[Client]:
    """Give a client of a scheduler, or of a cluster of processes on this machine.

    A scheduler at ``tls://...`` is asked with the keys that dask's configuration names (``distributed.comm.tls``).

    Parameters
    ----------
    scheduler : str, cluster or None
        Address of a dask scheduler, which has workers; or a cluster of dask, whose workers are waited for; None starts
        processes here, and ends them afterwards.
    workers : int
        Number of processes.
    threads : int
        Threads of the kernels in each process.

    Raises
    ------
    InputError
        If the scheduler does not answer or has no workers, or a cluster is none.
    MissingExtraError
        If processes are to be started here and ``cryptography`` is not installed, which makes their keys.
    """
    if scheduler is None:
        clients = _local_client(workers, threads)
    else:
        clients = _client_at(scheduler) if isinstance(scheduler, str) else _client_of(scheduler)
    with clients as client:
        yield client


@contextmanager
def _client_of(cluster: Cluster) -> Iterator[Client]:
    """Give a client of a cluster, with its keys, once it has a worker: the jobs of a batch system may have to wait."""
    from distributed import Client

    if not hasattr(cluster, "scheduler_address"):
        raise InputError(f"scheduler = {shown(cluster)} is neither an address nor a cluster of dask")
    with Client(cluster, set_as_default=False) as client:
        try:
            client.wait_for_workers(1, timeout=WAIT_SECONDS)
        except TimeoutError:
            warnings.warn(
                "the cluster has no worker yet, and is waited for: its jobs may wait in a queue, or have failed; "
                "look at their logs",
                FlowWarning,
                stacklevel=2,
            )
            client.wait_for_workers(1)
        yield client


@contextmanager
def _client_at(address: str) -> Iterator[Client]:
    client = _try_client(address)
    if isinstance(client, str):
        gc.collect()  # closes the client that failed: collected while another one starts, it would wait for itself
        raise InputError(f"scheduler {address} {client}")
    with client:
        try:
            client.wait_for_workers(1, timeout=WAIT_SECONDS)
        except TimeoutError:
            raise InputError(f"scheduler {address} has no workers; start some with `dask worker {address}`") from None
        yield client


def _try_client(address: str) -> Client | str:
    """Give a client of a scheduler, or what is wrong; no error that would keep the client that failed alive."""
    from distributed import Client

    try:
        return Client(address, timeout=WAIT_SECONDS, set_as_default=False)
    except TypeError as error:  # dask's word for a connection that needs keys and has none
        return (
            f"wants keys ({error}); name them in dask's configuration: "
            "distributed.comm.tls.ca-file, distributed.comm.tls.client.key and distributed.comm.tls.client.cert"
        )
    except (OSError, ValueError) as error:
        return f"does not answer ({error}); start one with `dask scheduler`"


@contextmanager
def _local_client(workers: int, threads: int) -> Iterator[Client]:
    import dask
    from distributed import Client, LocalCluster

    security = _fresh_keys()
    settings = {
        "distributed.nanny.pre-spawn-environ": {name: str(threads) for name in BLAS_VARIABLES},
        # A run that kills its worker would kill the next ones too; `dispatch` decides what is tried again.
        "distributed.scheduler.allowed-failures": 0,
        # It would stop a run every 10 ms to look at its stack.
        "distributed.worker.profile.enabled": False,
        # Web pages ask for no key: there are none.
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
    }
    with (
        tempfile.TemporaryDirectory(prefix="wgflow-sweep-") as scratch,
        dask.config.set(settings),
        _kept_environment(),
        _unseen_main(),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",  # any free port
            scheduler_kwargs={"dashboard": False},
            memory_limit=0,
            protocol="tls://",
            security=security,
            local_directory=scratch,
            silence_logs=logging.CRITICAL,
            # Set in the workers alone: here, numba would notice that its number of threads had changed, and refuse.
            env={"NUMBA_NUM_THREADS": str(threads)},
        ) as cluster,
        Client(cluster, security=security, set_as_default=False) as client,
    ):
        try:
            yield client
        except BaseException:  # Ctrl-C, above all: a run in progress would be waited for
            _stop(cluster)
            raise


def _fresh_keys() -> Security:
    """Keys and a certificate for one cluster, in memory."""
    from distributed.security import Security

    try:
        return Security.temporary()
    except ImportError:
        raise MissingExtraError("cryptography", "sweep", "a sweep on this machine") from None


def _stop(cluster: LocalCluster) -> None:
    """End the processes of a cluster now; the files of their runs can be continued."""

    async def close_all() -> None:
        closing = (nanny.close(timeout=STOP_SECONDS) for nanny in cluster.workers.values())
        await asyncio.gather(*closing, return_exceptions=True)

    cluster.sync(close_all)


@contextmanager
def _kept_environment() -> Iterator[None]:
    """Restore environment variables: dask sets those of its workers in this process."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


@contextmanager
def _unseen_main() -> Iterator[None]:
    """Hide the main module from processes that start meanwhile.

    They would import it first, and a script that calls `wgflow.sweep` without ``if __name__ == "__main__"`` would start
    a sweep in each of them. Tasks are functions of this package, so that nothing of the script is needed.
    """
    main = sys.modules["__main__"]
    hidden = {name: getattr(main, name) for name in ("__spec__", "__file__") if hasattr(main, name)}
    main.__spec__ = None
    if "__file__" in hidden:
        del main.__file__
    try:
        yield
    finally:
        for name, value in hidden.items():
            setattr(main, name, value)
