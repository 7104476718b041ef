"""How many threads compute, what forked processes do without any, and who hears signals."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings

import numba
import numpy as np
import pytest

from wgflow.domains import Box
from wgflow.functionals import SobolevDiscrepancy, transforms
from wgflow.functionals.convolution import BoxConvolution
from wgflow.functionals.fourier import FourierFeatures, FourierMoments
from wgflow.system import signals, threads
from wgflow.system.signals import interruptible, terminations_interrupt
from wgflow.system.threads import available_cores, share_out
from wgflow.upwind.kernels.line import PARALLEL_BLOCKS, stage_kernel


@pytest.mark.parametrize(
    ("environment", "cores", "chosen"),
    [
        ({"OMP_NUM_THREADS": "3"}, 8, "3"),
        ({"OMP_NUM_THREADS": "3,2"}, 8, "3"),
        ({"OMP_NUM_THREADS": "3"}, 2, None),
        ({"OMP_NUM_THREADS": "0"}, 8, None),
        ({"OMP_NUM_THREADS": "many"}, 8, None),
        ({"OMP_NUM_THREADS": "3", "NUMBA_NUM_THREADS": "5"}, 8, "5"),
        ({}, 8, None),
    ],
)
def test_openmp_bounds_the_threads_where_nothing_else_is_said(monkeypatch, environment, cores, chosen):
    monkeypatch.setattr(os, "environ", dict(environment))
    monkeypatch.delitem(sys.modules, "numba")
    monkeypatch.setattr(threads, "available_cores", lambda: cores)
    threads._follow_openmp()
    assert os.environ.get("NUMBA_NUM_THREADS") == chosen


def test_only_cores_that_the_process_may_use_are_counted(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5}, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert available_cores() == 2


@pytest.fixture
def one_thread():
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
def test_transforms_take_the_threads_of_kernels(monkeypatch):
    """Whatever the machine has: with all its cores, processes side by side would stand in each other's way."""
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(transforms, "BLOCK_BYTES", 1)
    torus = Box([(0.0, 1.0)] * 2, (32, 32), periodic=True)
    density, potential = np.random.default_rng(0).uniform(0.5, 1.5, (32, 32)), np.empty((32, 32))
    discrepancy = SobolevDiscrepancy(np.ones((32, 32)), 1.0).on_grid(torus)
    convolution = BoxConvolution(torus, lambda z: np.exp(-(z**2).sum(axis=-1)))
    moments = FourierMoments(torus, FourierFeatures(np.ones((3, 3)), (1.0, 1.0), False))
    monkeypatch.setattr(threads, "_threads", lambda: pytest.fail("another thread is asked for"))
    discrepancy.evaluate(density, potential)
    convolution(density.ravel(), potential.ravel())
    moments.potential(moments.moments(density.ravel()), potential.ravel())


def test_threads_share_the_parts_of_a_task(monkeypatch):
    monkeypatch.setattr(threads, "thread_count", lambda: 2)
    meeting, done, found = threading.Barrier(2, timeout=600.0), [], set()

    def work(parts):
        meeting.wait()
        found.add(threading.get_ident())
        done.extend(parts)

    share_out(work, range(7))
    assert sorted(done) == list(range(7))
    assert len(found) == 2


def test_what_fails_on_another_thread_fails_here(monkeypatch):
    monkeypatch.setattr(threads, "thread_count", lambda: 2)

    def work(parts):
        if 1 in parts:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        share_out(work, range(2))


FORKED = """
import multiprocessing
import numpy as np
from wgflow.analysis.metrics.discrepancy import kernel_discrepancy
from wgflow.measures import Particles
from wgflow.system.threads import thread_count

def work(seed):
    generator = np.random.default_rng(seed)
    clouds = [Particles(generator.normal(size=(1000, 2)), np.full(1000, 1e-3), np.ones(1000)) for _ in range(2)]
    return kernel_discrepancy(*clouds)

def whole(seed):
    return work(seed), thread_count()

if __name__ == "__main__":
    alone = work(3)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print([(abs(value / alone - 1.0) < 1e-9, count) for value, count in pool.map_async(whole, [3, 3]).get(600)])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_processes_compute_what_their_parent_does():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED], capture_output=True, text=True, check=False, timeout=900
    )
    assert (done.stdout, done.stderr) == ("[(True, 1), (True, 1)]\n", "")


def fork_and_end(number) -> int:
    """Signal a child that sleeps; gives how it ended."""
    ready, told = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # later versions of Python warn of forks of processes with threads
        child = os.fork()
    if child == 0:
        os.write(told, b"x")
        time.sleep(60.0)
        os._exit(0)
    os.read(ready, 1)
    os.kill(child, number)
    for place in (ready, told):
        os.close(place)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("context", [interruptible, terminations_interrupt])
def test_signals_for_a_forked_child_are_not_swallowed(context):
    before = signal.getsignal(signal.SIGTERM)
    with context():
        taken = signal.getsignal(signal.SIGTERM)
        assert fork_and_end(signal.SIGTERM) == -signal.SIGTERM
        assert signal.getsignal(signal.SIGTERM) is taken is not before
    assert signal.getsignal(signal.SIGTERM) is before
    assert signals._replaced == []


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs SIGHUP")
def test_nohup_is_respected():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible() as interruption:
            os.kill(os.getpid(), signal.SIGHUP)
        assert interruption.signal is None
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", signals._TERMINATION)
def test_terminations_interrupt(number):
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), terminations_interrupt():
        os.kill(os.getpid(), number)
        time.sleep(5.0)
    assert signal.getsignal(number) == before


def test_kernels_travel_to_other_processes():
    """Those that are made for a case, too: by pickles, as solvers that are handed to processes are."""
    for blocks in (1, PARALLEL_BLOCKS):
        assert callable(pickle.loads(pickle.dumps(stage_kernel(0, blocks))))
