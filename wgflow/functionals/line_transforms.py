"""One-dimensional Fourier transforms of many lines at once, on this thread, by ducc0 where it is installed or SciPy."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Protocol

import numpy as np

from wgflow.typing import ComplexArray, FloatArray


class LineTransforms(Protocol):
    """Transforms along one axis of an array, without factors: there and back multiplies by the length."""

    def forward_real(self, values: FloatArray, spectrum: ComplexArray) -> None:
        """Write the first half of the spectrum of real values, along the last axis."""

    def backward_real(self, spectrum: ComplexArray, values: FloatArray) -> None:
        """Write the real values of half a spectrum, along the last axis."""

    def forward(self, values: ComplexArray, axis: int) -> None:
        """Transform in place."""

    def backward(self, values: ComplexArray, axis: int) -> None:
        """Transform back in place."""


class SciPyTransforms:
    """Transforms by ``scipy.fft``."""

    def __init__(self) -> None:
        from scipy import fft

        self._fft = fft

    def forward_real(self, values: FloatArray, spectrum: ComplexArray) -> None:
        """Write the first half of the spectrum of real values, along the last axis."""
        spectrum[...] = self._fft.rfft(values)

    def backward_real(self, spectrum: ComplexArray, values: FloatArray) -> None:
        """Write the real values of half a spectrum, along the last axis."""
        values[...] = self._fft.irfft(spectrum, values.shape[-1], norm="forward")

    def forward(self, values: ComplexArray, axis: int) -> None:
        """Transform in place."""
        _write(self._fft.fft(values, axis=axis, overwrite_x=True), values)

    def backward(self, values: ComplexArray, axis: int) -> None:
        """Transform back in place."""
        _write(self._fft.ifft(values, axis=axis, norm="forward", overwrite_x=True), values)


class DuccTransforms:
    """Transforms by ``ducc0.fft``, which uses the widest vectors of the processor."""

    def __init__(self) -> None:
        import ducc0

        self._fft = ducc0.fft

    def forward_real(self, values: FloatArray, spectrum: ComplexArray) -> None:
        """Write the first half of the spectrum of real values, along the last axis."""
        self._fft.r2c(values, axes=(values.ndim - 1,), out=spectrum)

    def backward_real(self, spectrum: ComplexArray, values: FloatArray) -> None:
        """Write the real values of half a spectrum, along the last axis."""
        last = values.ndim - 1
        self._fft.c2r(spectrum, axes=(last,), lastsize=values.shape[-1], forward=False, out=values)

    def forward(self, values: ComplexArray, axis: int) -> None:
        """Transform in place."""
        self._fft.c2c(values, axes=(axis,), out=values)

    def backward(self, values: ComplexArray, axis: int) -> None:
        """Transform back in place."""
        self._fft.c2c(values, axes=(axis,), forward=False, out=values)


@cache
def line_transforms() -> LineTransforms:
    """The transforms of ducc0 where it is installed (``pip install 'wgflow[fft]'``), else those of SciPy."""
    return SciPyTransforms() if find_spec("ducc0") is None else DuccTransforms()


def _write(found: ComplexArray, result: ComplexArray) -> None:
    """Copy what is not there already."""
    if not np.may_share_memory(found, result):
        result[...] = found
