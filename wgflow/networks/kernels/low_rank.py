"""Sums with a kernel that is invariant under mirror images, by a factor for each kind of symmetry; see `Mirrors`."""

from __future__ import annotations

import numpy as np

from wgflow.compilation import arrays_apart, inlined_reduction, reduction, wide_vectors


@inlined_reduction
def split(parts):
    """Turn values at images (G, Q) into their parts, ``sum_g chi(g) value_g`` for each character, or back."""
    arrays_apart()
    columns, half = np.uint64(parts.shape[1]), 1
    while half < len(parts):
        for start in range(0, len(parts), 2 * half):
            for first in range(start, start + half):
                second = first + half
                for k in range(columns):
                    here, there = parts[first, k], parts[second, k]
                    parts[first, k], parts[second, k] = here + there, here - there
        half *= 2


@inlined_reduction
def add_products(rows, first, last, masses, sums, part):
    """Add ``L L^T masses``, with the rows ``first ... last - 1`` of L^T, to ``sums``; of one part of both."""
    arrays_apart()
    columns, fours = np.uint64(rows.shape[1]), first + (last - first) // 4 * 4
    for row in range(first, fours, 4):  # a row is read once, from near memory the second time
        one, two, three, four = 0.0, 0.0, 0.0, 0.0
        for k in range(columns):
            mass = masses[part, k]
            one += rows[row, k] * mass
            two += rows[row + 1, k] * mass
            three += rows[row + 2, k] * mass
            four += rows[row + 3, k] * mass
        for k in range(columns):
            first_two = one * rows[row, k] + two * rows[row + 1, k]
            sums[part, k] += first_two + (three * rows[row + 2, k] + four * rows[row + 3, k])
    for row in range(fours, last):
        product = 0.0
        for k in range(columns):
            product += rows[row, k] * masses[part, k]
        for k in range(columns):
            sums[part, k] += product * rows[row, k]


@reduction
def mirrored_sums(masses, rows, ends, images, shares, parts, sums, values):
    """Write the sums of masses (N,) into ``values`` (N,).

    ``rows`` (R, Q) are those of the transposed factors of all parts, of which that of part g begins at ``ends[g]``;
    ``images`` (G, Q) are the images of cells, which have the ``shares`` (Q,) of the masses at each of them; ``parts``
    and ``sums`` (G, Q) are work space.
    """
    arrays_apart()
    wide_vectors()
    columns = np.uint64(rows.shape[1])
    for image in range(len(images)):
        for k in range(columns):
            parts[image, k] = masses[images[image, k]] * shares[k]
            sums[image, k] = 0.0
    split(parts)
    for part in range(len(images)):
        add_products(rows, ends[part], ends[part + 1], parts, sums, part)
    split(sums)
    for image in range(len(images)):
        for k in range(columns):
            values[images[image, k]] = sums[image, k]
