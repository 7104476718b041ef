"""Transforms by axis against plain ones of the whole array, and what their last digits may depend on."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from wgflow.functionals import line_transforms, transforms
from wgflow.functionals.kernels.columns import gather_columns, multiply_lines, scatter_columns
from wgflow.functionals.line_transforms import DuccTransforms, SciPyTransforms
from wgflow.functionals.transforms import BandTransform, BoxFilter, RowTransform, band, filter_columns
from wgflow.system import threads

BOXES = [((9,), (18,)), ((20, 33), (40, 66)), ((12, 7), (12, 15)), ((5, 8), (10, 8)), ((6, 9, 4), (12, 9, 9))]


@pytest.fixture(params=[SciPyTransforms, DuccTransforms])
def library(request, monkeypatch):
    monkeypatch.setattr(transforms, "line_transforms", request.param)


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(transforms, "BLOCK_BYTES", 1)


def plain_filter(values, lengths, symbol):
    spectrum = np.fft.rfftn(values, lengths, axes=range(values.ndim))
    full = np.fft.irfftn(spectrum * symbol, lengths, axes=range(values.ndim), norm="forward")
    return full[tuple(slice(count) for count in values.shape)]


def half(lengths):
    return (*lengths[:-1], lengths[-1] // 2 + 1)


@pytest.mark.usefixtures("library", "small_blocks")
@pytest.mark.parametrize(("shape", "lengths"), BOXES)
def test_a_filter_is_a_product_of_padded_spectra(shape, lengths):
    generator = np.random.default_rng(0)
    values, result = generator.normal(size=shape), np.empty(shape)
    symbol = np.fft.rfftn(generator.normal(size=lengths)).real  # of an even function
    wanted = plain_filter(values, lengths, symbol)
    rows = lengths[0] if len(lengths) > 1 else 1
    found = BoxFilter(shape, lengths, symbol.reshape(rows, -1).T)
    for _ in range(2):  # nothing is left of the first in the buffers
        found(values.ravel(), result.ravel())
        assert abs(result - wanted).max() < 1e-15 * abs(wanted).max()


@pytest.mark.usefixtures("library", "small_blocks")
def test_no_line_depends_on_what_stands_beside_it(monkeypatch):
    generator = np.random.default_rng(1)
    shape, lengths = (21, 10, 6), (42, 20, 12)
    values, symbol = generator.normal(size=shape), generator.normal(size=half(lengths))
    symbol = np.ascontiguousarray(symbol.reshape(lengths[0], -1).T)
    whole = RowTransform(shape, lengths[1:])
    whole.forward(values)
    spectra = whole.spectrum.copy()
    filter_columns(whole.spectrum, symbol)
    filtered, result = whole.spectrum.copy(), np.empty(shape)
    whole.backward(result)

    monkeypatch.setattr(threads, "thread_count", lambda: 2)
    monkeypatch.setattr(transforms, "BLOCK_BYTES", 2**14)
    columns = len(symbol)
    for places in ([0, 1, 4, 21], [0, 11, 21]):
        pieces = []
        for start, end in pairwise(places):
            rows = RowTransform(shape, lengths[1:], end - start)
            rows.forward(values[start:end])
            assert np.array_equal(rows.spectrum, spectra[start:end])
            part = slice(columns * start // 21, columns * end // 21)
            slab = np.ascontiguousarray(spectra[:, part])
            filter_columns(slab, symbol[part])
            assert np.array_equal(slab, filtered[:, part])
            rows.spectrum[...] = filtered[start:end]
            pieces.append(np.empty((end - start, *shape[1:])))
            rows.backward(pieces[-1])
        assert np.array_equal(np.concatenate(pieces), result)


@pytest.mark.usefixtures("library", "small_blocks")
@pytest.mark.parametrize(("shape", "largest"), [((9,), (4,)), ((8, 12), (3, 2)), ((9, 5, 6), (2, 2, 1))])
def test_a_band_is_a_part_of_the_spectrum(shape, largest):
    generator = np.random.default_rng(2)
    values, result = generator.normal(size=shape), np.empty(shape)
    spectrum = np.fft.rfftn(values)
    found = BandTransform(shape, largest)
    part = found.forward(values)
    assert abs(part - spectrum[band(largest)]).max() < 1e-15 * math.prod(shape)
    kept = np.zeros_like(spectrum)
    kept[band(largest)] = part
    found.backward(part, result)
    assert abs(result - np.fft.irfftn(kept, shape, axes=range(len(shape)), norm="forward")).max() < 1e-14 * math.prod(
        shape
    )


def test_columns_are_gathered_and_scattered():
    generator = np.random.default_rng(3)
    rows = generator.normal(size=(37, 23)) + 1j * generator.normal(size=(37, 23))
    lines, symbol = np.full((24, 50), np.nan + 0j), generator.normal(size=(23, 50))
    gather_columns(rows, lines)
    assert np.array_equal(lines[:23, :37], rows.T)
    assert not lines[:23, 37:].any()
    assert np.isnan(lines[23]).all()
    lines[:23] += 1.0
    multiply_lines(lines, symbol)
    assert np.array_equal(lines[:23, :37], (rows.T + 1.0) * symbol[:, :37])
    scatter_columns(lines, rows)
    assert np.array_equal(rows, lines[:23, :37].T)


@pytest.mark.parametrize(("found", "chosen"), [(None, SciPyTransforms), (object(), DuccTransforms)])
def test_ducc_transforms_where_it_is_installed(monkeypatch, found, chosen):
    monkeypatch.setattr(line_transforms, "find_spec", lambda name: {"ducc0": found}[name])
    assert isinstance(line_transforms.line_transforms.__wrapped__(), chosen)
