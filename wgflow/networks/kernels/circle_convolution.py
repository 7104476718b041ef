"""Prefix sums over the cells of a circle, and sums of the arc-cosine kernel from them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numba import prange

from wgflow.compilation import kernel, parallel_kernel, reduction

SERIAL_CHUNK, PARALLEL_CHUNK = 512, 2048  # cells between two restarts of a running sum, which keep its error small

TURN = 2.0 * np.pi


@reduction
def _block_totals(mass, angle, cosine, sine, total):
    """Sums of mass times cos, sin, angle cos and angle sin over a block, shape (4,)."""
    cos_sum, sin_sum, angle_cos, angle_sin = 0.0, 0.0, 0.0, 0.0
    for k in range(mass.size):
        x, y = mass[k] * cosine[k], mass[k] * sine[k]
        cos_sum += x
        sin_sum += y
        angle_cos += angle[k] * x
        angle_sin += angle[k] * y
    total[0], total[1], total[2], total[3] = cos_sum, sin_sum, angle_cos, angle_sin


@kernel
def _running_sums(mass, angle, cosine, sine, offset, by_cos, by_sin, by_angle_cos, by_angle_sin):
    """Running sums over a block, from the sums over all cells before it."""
    cos_sum, sin_sum, angle_cos, angle_sin = 0.0, 0.0, 0.0, 0.0
    for k in range(mass.size):
        x, y = mass[k] * cosine[k], mass[k] * sine[k]
        cos_sum += x
        sin_sum += y
        angle_cos += angle[k] * x
        angle_sin += angle[k] * y
        by_cos[k], by_sin[k] = offset[0] + cos_sum, offset[1] + sin_sum
        by_angle_cos[k], by_angle_sin[k] = offset[2] + angle_cos, offset[3] + angle_sin


@cache
def prefix_kernel(chunk: int) -> Callable[..., None]:
    """Compile the prefix sums, serial or (for ``PARALLEL_CHUNK``) on all cores."""
    compiled = parallel_kernel if chunk == PARALLEL_CHUNK else kernel

    @compiled
    def prefix_sums(mass, angle, cosine, sine, totals, prefix):
        """Write sums over the cells before each face, shape (4, N + 1): cos, sin, angle cos, angle sin."""
        cells = mass.size
        blocks = (cells + chunk - 1) // chunk
        for block in prange(blocks):
            first, last = block * chunk, min((block + 1) * chunk, cells)
            _block_totals(mass[first:last], angle[first:last], cosine[first:last], sine[first:last], totals[block + 1])
        for part in range(4):  # not of slices: those compile longer than all the rest
            totals[0, part] = prefix[part, 0] = 0.0
            for block in range(blocks):
                totals[block + 1, part] += totals[block, part]
        for block in prange(blocks):
            first, last = block * chunk, min((block + 1) * chunk, cells)
            _running_sums(
                mass[first:last],
                angle[first:last],
                cosine[first:last],
                sine[first:last],
                totals[block],
                prefix[0, first + 1 : last + 1],
                prefix[1, first + 1 : last + 1],
                prefix[2, first + 1 : last + 1],
                prefix[3, first + 1 : last + 1],
            )

    return prefix_sums


@kernel
def _combine(prefix, angle, cosine, sine, first, last, to_behind, to_ahead, wraps_behind, wraps_ahead, values):
    """Kernel sums for the targets in [first, last).

    The half circle behind target i begins at the face i + to_behind, the one ahead ends at the face i + to_ahead; a
    flag (0 or 1) says that it passed the origin of the angles, where they jump by a turn.
    """
    here_x, here_y = prefix[0, first + 1 : last + 1], prefix[1, first + 1 : last + 1]
    here_zx, here_zy = prefix[2, first + 1 : last + 1], prefix[3, first + 1 : last + 1]
    begin, end = first + to_behind, last + to_behind
    behind_x, behind_y, behind_zx, behind_zy = (
        prefix[0, begin:end],
        prefix[1, begin:end],
        prefix[2, begin:end],
        prefix[3, begin:end],
    )
    begin, end = first + to_ahead, last + to_ahead
    ahead_x, ahead_y, ahead_zx, ahead_zy = (
        prefix[0, begin:end],
        prefix[1, begin:end],
        prefix[2, begin:end],
        prefix[3, begin:end],
    )
    x, y, z, result = cosine[first:last], sine[first:last], angle[first:last], values[first:last]
    # Sums behind less, or plus, sums ahead; the constants are what the jump of the angles adds.
    all_x, all_y, all_zx, all_zy = prefix[0, -1], prefix[1, -1], prefix[2, -1], prefix[3, -1]
    minus_x, plus_x = (wraps_behind - wraps_ahead) * all_x, (wraps_behind + wraps_ahead) * all_x
    minus_y, plus_y = (wraps_behind - wraps_ahead) * all_y, (wraps_behind + wraps_ahead) * all_y
    minus_zx = (wraps_behind - wraps_ahead) * all_zx - wraps_behind * TURN * all_x
    minus_zy = (wraps_behind - wraps_ahead) * all_zy - wraps_behind * TURN * all_y
    turn_behind, turn_ahead = wraps_behind * TURN, wraps_ahead * TURN
    for k in range(result.size):
        difference_x = 2.0 * here_x[k] - behind_x[k] - ahead_x[k] + minus_x
        difference_y = 2.0 * here_y[k] - behind_y[k] - ahead_y[k] + minus_y
        sum_x, sum_y = ahead_x[k] - behind_x[k] + plus_x, ahead_y[k] - behind_y[k] + plus_y
        by_angle_x = 2.0 * here_zx[k] - behind_zx[k] - ahead_zx[k] + minus_zx
        by_angle_y = 2.0 * here_zy[k] - behind_zy[k] - ahead_zy[k] + minus_zy
        by_angle_x += turn_behind * behind_x[k] - turn_ahead * ahead_x[k]
        by_angle_y += turn_behind * behind_y[k] - turn_ahead * ahead_y[k]
        sines = y[k] * difference_x - x[k] * difference_y
        distances = x[k] * (z[k] * difference_x - by_angle_x) + y[k] * (z[k] * difference_y - by_angle_y)
        result[k] = (sines - distances) / TURN + 0.5 * (x[k] * sum_x + y[k] * sum_y)


@cache
def combine_kernel(blocks: int) -> Callable[..., None]:
    """Compile the sums at all targets, serial (one block) or on all cores."""
    compiled = kernel if blocks == 1 else parallel_kernel

    @compiled
    def kernel_sums(prefix, angle, cosine, sine, values):
        """Kernel sums at every target; the half circle behind wraps for the first ones, that ahead for the last."""
        cells, half = values.size, values.size // 2
        for task in prange(3 * blocks):
            part, block = task // blocks, task % blocks
            wraps_behind, wraps_ahead = part == 0, part == 2
            start = 0 if part == 0 else (half if part == 1 else cells - half)
            count = cells - 2 * half if part == 1 else half
            first, last = start + block * count // blocks, start + (block + 1) * count // blocks
            to_behind = cells - half if wraps_behind else -half
            to_ahead = 1 + half - cells if wraps_ahead else 1 + half
            behind, ahead = 1.0 if wraps_behind else 0.0, 1.0 if wraps_ahead else 0.0
            _combine(prefix, angle, cosine, sine, first, last, to_behind, to_ahead, behind, ahead, values)

    return kernel_sums
