"""Cost of a convolution on a box with walls, over that of plain transforms of the whole padded array.

The plain way pads the masses with zeros to twice their size along both axes, and transforms all of it there and back by
SciPy with the same number of threads. All runs in a process whose threads are not pinned to cores, even where those of
the command are: the threads of SciPy and ducc0 would all stay on the core of the one that starts them. Seconds of all
threads over those of the clock say whether they had cores of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from unittest.mock import patch

import numba
import numpy as np

from wgflow import Box
from wgflow.app.validation import Row, Setting, measured
from wgflow.functionals import transforms
from wgflow.functionals.convolution import BoxConvolution
from wgflow.functionals.line_transforms import DuccTransforms, LineTransforms, SciPyTransforms
from wgflow.system.threads import thread_count
from wgflow.typing import FloatArray

from .._pool import free_pool
from ._timing import cores_used, paired_seconds, ratio_row

SIDES, QUICK_SIDES = (512, 1024), (64,)


def gaussian(displacements: FloatArray) -> FloatArray:
    """The kernel."""
    return np.asarray(np.exp(-0.5 * (displacements**2).sum(axis=-1) / 0.1**2))


class PlainConvolution:
    """The convolution by transforms of the whole padded array."""

    def __init__(self, box: Box) -> None:
        from scipy import fft

        self._fft, self._shape = fft, box.shape
        self._padded = tuple(fft.next_fast_len(2 * count - 1, real=True) for count in box.shape)
        steps = [
            np.fft.fftfreq(count, 1.0 / count) * width for count, width in zip(self._padded, box.spacing, strict=True)
        ]
        places = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1)
        self._symbol = fft.rfftn(gaussian(places.reshape(-1, len(steps))).reshape(self._padded))

    def __call__(self, mass: FloatArray, result: FloatArray) -> None:
        """Convolve masses, shape (N,)."""
        spectrum = self._fft.rfftn(mass.reshape(self._shape), self._padded, workers=thread_count())
        spectrum *= self._symbol
        full = self._fft.irfftn(spectrum, self._padded, overwrite_x=True, workers=thread_count())
        result.reshape(self._shape)[...] = full[tuple(slice(count) for count in self._shape)]


def rows_of(side: int, threads: int, repetitions: int) -> list[Row]:
    """Differences to the plain way, and what it costs over ours."""
    numba.set_num_threads(threads)
    box = Box([(0.0, 1.0)] * 2, (side, side))
    mass = np.random.default_rng(0).random(side**2) / side**2
    plain, own = PlainConvolution(box), BoxConvolution(box, gaussian)
    wanted, found, rows = np.empty_like(mass), np.empty_like(mass), []
    plain(mass, wanted)
    libraries: dict[str, LineTransforms] = {"SciPy": SciPyTransforms()}
    if find_spec("ducc0") is not None:
        libraries["ducc0"] = DuccTransforms()
    for name, library in libraries.items():
        with patch.object(transforms, "line_transforms", lambda library=library: library):
            pairs = paired_seconds(partial(plain, mass, wanted), partial(own, mass, found), 5, repetitions)
            cores = cores_used(partial(own, mass, found))
        before, now = (1e9 * seconds / side**2 for seconds in pairs.min(axis=0).tolist())
        beside = f"{now:.3g} ns a cell, the plain way {before:.3g}; CPU over clock {cores:.2f}"
        what = f"{side}^2 by {name}, {threads} threads"
        rows.append(ratio_row(f"{what}: plain transforms over ours", pairs, beside).quote())
        difference = float(abs(found - wanted).max() / wanted.max())
        rows.append(measured(f"{what}: largest difference, relative", difference))
    return rows


def validate(setting: Setting) -> Iterator[Row]:
    """Time convolutions on one and on all threads; quick, small ones."""
    with free_pool() as pool:
        for side in QUICK_SIDES if setting.quick else SIDES:
            for threads in sorted({1, thread_count()}):
                yield from pool.submit(rows_of, side, threads, 3 if setting.quick else 15).result()
