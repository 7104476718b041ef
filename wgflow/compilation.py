"""The one place that sets numba's flags and what it keeps on disk.

Kernels are module-level functions on plain arrays. They are compiled on first use and kept in the
user's cache folder, so a second process starts at once and the source tree is never written to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, cached_property
from pathlib import Path
from typing import Any

# Before numba, whose threads it tells how many they are.
from wgflow.system.threads import threads_lost  # isort: skip

import numba
from llvmlite import ir
from llvmlite.binding import add_symbol
from numba import config, types
from numba.core import event
from numba.core.caching import FunctionCache, IndexDataCacheFile, NullCache
from numba.core.runtime import _nrt_python
from numba.core.types.misc import unliteral
from numba.extending import intrinsic

from wgflow.system.caching import cache_folder, say_once
from wgflow.system.sources import describe_sources, state_of_source

# What a kernel takes and gives is inferred from the arrays it is called with, so its callers may pass anything.
Function = Callable[..., Any]

# Flags that keep NaN and infinity meaningful (no "nnan", no "ninf") and never reorder a sum.
_FAST_MATH = {"contract", "nsz", "arcp"}

_kernels: list[Any] = []


class _KernelCache(FunctionCache):  # type: ignore[misc]  # numba has no types
    """A cache on disk whose failures cost time, and nothing else; what has other sources is compiled anew."""

    def __init__(self, function: Function) -> None:
        super().__init__(function)
        sources = f"{numba.__version__} {self._impl.locator.get_source_stamp()} {describe_sources(function)}"
        stamp = hashlib.sha256(sources.encode()).hexdigest()[:16]
        self._cache_file = _Files(self._cache_path, self._impl.filename_base, stamp)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Read a compiled kernel; None where there is none, or what there is cannot be read.

        What numba would load to compile one, a third of a second, is left out: a kernel that is read calls nothing but
        its runtime.
        """
        try:
            _name_runtime()
            return self._load_overload(sig, target_context)
        except Exception as error:  # a damaged file raises whatever its bytes make of it
            say_once(f"a compiled kernel in {self.cache_path} cannot be read ({error!r}); it is compiled anew")
            with suppress(OSError):
                self.flush()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Write a compiled kernel, where the disk takes it."""
        try:
            super().save_overload(sig, data)
        except Exception as error:
            say_once(f"compiled kernels cannot be kept in {self.cache_path}: {error}")


class _Files(IndexDataCacheFile):  # type: ignore[misc]
    """Index and data of a kernel on disk; names of data tell sources and key, so that nobody reads what is of others.

    numba counts names, and two processes that write at once would take the same one for different kernels.
    """

    def __init__(self, cache_path: str, filename_base: str, source_stamp: str) -> None:
        super().__init__(cache_path, filename_base, source_stamp)
        self._base = filename_base

    def save(self, key: Any, data: Any) -> None:
        """Write data, and remove those of former sources."""
        name = f"{self._base}.{self._source_stamp}.{hashlib.sha256(self._dump(key)).hexdigest()[:16]}.nbc"
        self._save_data(name, data)
        self._save_index({**self._load_index(), key: name})
        for file in Path(self._cache_path).iterdir():
            is_data = file.name.startswith(f"{self._base}.") and file.suffix == ".nbc"
            if is_data and self._source_stamp not in file.name:
                file.unlink(missing_ok=True)


class _LaterCache:
    """The cache of a kernel, looked for when the kernel is first called: a process calls few of all kernels."""

    def __init__(self, function: Function, folder: str) -> None:
        self._function, self.cache_path = function, folder
        state_of_source(function.__module__)  # as it is read now

    @cached_property
    def _found(self) -> Any:
        """The cache, if its folder can be written."""
        with _numba_cache_in(self.cache_path):
            try:
                found = _KernelCache(self._function)
            except (
                OSError,
                RuntimeError,
            ) as error:  # numba's own word for a folder that it cannot write is RuntimeError
                say_once(f"compiled kernels are not kept: {error}")
                return NullCache()
        if Path(found.cache_path).is_relative_to(self.cache_path):
            return found
        say_once(f"compiled kernels are not kept: {self.cache_path} cannot be written")
        return NullCache()  # numba's next choice is the source tree

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Read a compiled kernel; None where there is none."""
        return self._found.load_overload(sig, target_context)

    def save_overload(self, sig: Any, data: Any) -> None:
        """Write a compiled kernel."""
        self._found.save_overload(sig, data)

    def flush(self) -> None:
        """Forget what there is."""
        self._found.flush()


@cache
def _name_runtime() -> None:
    """Let kernels that are read find the functions of numba's runtime."""
    for name, address in _nrt_python.c_helpers.items():
        add_symbol(name if name.startswith("_") else f"NRT_{name}", address)


@contextmanager
def _numba_cache_in(folder: str) -> Iterator[None]:
    """Let numba choose ``folder`` for the kernels decorated meanwhile, and only for them."""
    previous = config.CACHE_DIR
    config.CACHE_DIR = folder
    try:
        yield
    finally:
        config.CACHE_DIR = previous


def _compile(function: Function, *, apart: str = "", **flags: Any) -> Function:
    """Compile on first use; what is kept on disk for flags that differ for one function must lie ``apart``."""
    # Nothing but Python and other kernels calls a kernel: without the wrapper for C a tenth less is compiled.
    dispatcher = numba.njit(error_model="numpy", no_cfunc_wrapper=True, **flags)(function)
    _kernels.append(dispatcher)
    if config.DISABLE_JIT:
        return dispatcher
    _forget_literals(dispatcher)
    folder = config.CACHE_DIR or cache_folder()
    if folder is not None:  # what `numba.njit(cache=True)` sets, to a cache whose failures end a run
        dispatcher._cache = _LaterCache(function, str(Path(folder) / apart))
    return dispatcher


def _forget_literals(dispatcher: Any) -> None:
    """Let kernels that call this one with a constant share what is compiled; LLVM sees the constant all the same."""
    template = dispatcher.get_call_template

    def template_of_types(arguments: Any, keywords: Any) -> Any:
        plain = tuple(unliteral(argument) for argument in arguments)
        return template(plain, {name: unliteral(argument) for name, argument in keywords.items()})

    dispatcher.get_call_template = template_of_types


def kernel(function: Function) -> Function:
    """Compile a kernel whose sums keep their order (conservation laws, fluxes, updates)."""
    return _compile(function, fastmath=_FAST_MATH)


def lock_free_kernel(function: Function) -> Function:
    """Compile a kernel that leaves Python's lock to other threads meanwhile: it may run on several at once."""
    return _compile(function, fastmath=_FAST_MATH, nogil=True)


def inlined_kernel(function: Function) -> Function:
    """Compile a part of kernels that is copied into them, so that their compile-time constants are its own.

    Its types are found once; LLVM copies what was made of them.
    """
    return _compile(function, fastmath=_FAST_MATH, forceinline=True)


def slicing_kernel(function: Function) -> Function:
    """Compile a kernel that slices arrays and makes none: to count who holds them costs more than a short loop."""
    return _compile(function, fastmath=_FAST_MATH, _nrt=False)


def inlined_slicing_kernel(function: Function) -> Function:
    """Compile a part of kernels that is copied into them, and slices arrays but neither makes nor returns any."""
    return _compile(function, fastmath=_FAST_MATH, forceinline=True, _nrt=False)


def reduction(function: Function) -> Function:
    """Compile a kernel whose sums may be reordered, so that they vectorise (moments, norms)."""
    return _compile(function, fastmath=_FAST_MATH | {"reassoc"})


def inlined_reduction(function: Function) -> Function:
    """Compile a part of kernels that is copied into them, whose sums may be reordered."""
    return _compile(function, fastmath=_FAST_MATH | {"reassoc"}, forceinline=True)


def passed_kernel(signature: str, function: Function) -> Function:
    """Compile a function of some types that kernels take as an argument; they are not compiled anew for each."""
    if config.DISABLE_JIT:
        return function
    compiled: Function = numba.cfunc(signature, error_model="numpy", fastmath=_FAST_MATH)(function)
    return compiled


def parallel_kernel(function: Function) -> Function:
    """Compile a kernel whose ``prange`` loops run on all threads; results do not depend on their number.

    It is called from Python alone, not by other kernels. In processes forked from one whose threads had begun it runs
    on one thread: numba's do not survive a fork, and a kernel that called for them would end the process.
    """
    return _ParallelKernel(_compile(function, apart="parallel", fastmath=_FAST_MATH, parallel=True))


class _ParallelKernel:
    """A kernel on all threads, and the same on one thread for processes that have lost theirs."""

    def __init__(self, threaded: Any) -> None:
        self._threaded = threaded
        self._serial: Function | None = None
        self.__wrapped__ = getattr(threaded, "py_func", threaded)  # the function itself where nothing is compiled

    def __call__(self, *arguments: Any) -> Any:
        return (self._alone() if threads_lost() else self._threaded)(*arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        return _ParallelKernel, (self._threaded,)

    def _alone(self) -> Any:
        if self._serial is None:
            self._serial = _compile(self.__wrapped__, apart="serial", fastmath=_FAST_MATH)
        return self._serial


def _wide_vectors(typing: Any) -> Any:  # noqa: ARG001
    """Let the loops of the kernel that calls this use the widest vectors of the processor.

    Compilers prefer half of them, as processors slow down a little; loops of much arithmetic on few data gain all the
    same.
    """

    def mark(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')  # llvmlite lists others alone
        return context.get_dummy_value()

    return types.none(), mark


wide_vectors: Function = (lambda: None) if config.DISABLE_JIT else intrinsic(_wide_vectors)


def _arrays_apart(typing: Any) -> Any:  # noqa: ARG001
    """Tell that no array that the kernel which calls this is given overlaps another one.

    Loops that write to many arrays are not vectorised otherwise: whether they overlap would take too many checks. And
    where few checks find small arrays near one another, loops go one by one: sums that may be reordered then have other
    bits, from one process to the next.
    """
    numbers = ir.DoubleType().as_pointer(), ir.FloatType().as_pointer()

    def mark(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        for argument in builder.function.args:
            if argument.type in numbers:  # their numbers alone: slices of one share its owner
                argument.add_attribute("noalias")
        return context.get_dummy_value()

    return types.none(), mark


arrays_apart: Function = (lambda: None) if config.DISABLE_JIT else intrinsic(_arrays_apart)


def compilation_count() -> int:
    """Count the compilations of this process that the disk cache did not save."""
    if config.DISABLE_JIT:
        return 0
    return sum(sum(dispatcher.stats.cache_misses.values()) for dispatcher in _kernels)


@contextmanager
def measure_compilation() -> Iterator[Callable[[], float]]:
    """Give a function that returns the seconds spent compiling since the context was entered."""
    with event.install_recorder("numba:compile") as recorder:
        yield lambda: _outermost_seconds(recorder.buffer)


def _outermost_seconds(records: list[Any]) -> float:
    """Sum of the durations of compilations that are not part of another compilation."""
    depth, started, total = 0, 0.0, 0.0
    for when, record in records:
        if record.is_start:
            started = when if depth == 0 else started
            depth += 1
        else:
            depth -= 1
            total += when - started if depth == 0 else 0.0
    return total


class _CompilationWatch(event.TimingListener):  # type: ignore[misc]  # numba has no types
    """Adds up the seconds of compilations, and tells of each that begins."""

    def __init__(self, tell: Callable[[], None]) -> None:
        super().__init__()
        self._tell = tell

    def on_start(self, event: Any) -> None:
        super().on_start(event)
        self._tell()


@contextmanager
def watch_compilation(tell: Callable[[], None]) -> Iterator[Callable[[], float]]:
    """Call a function when a compilation begins; gives one that returns the seconds spent compiling meanwhile.

    Unlike that of `measure_compilation`, it costs the same whatever has been compiled: it may be asked at each step.
    """
    with event.install_listener("numba:compile", _CompilationWatch(tell)) as watch:
        yield lambda: watch.duration if watch.done else 0.0
