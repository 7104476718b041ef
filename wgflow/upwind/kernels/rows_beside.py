"""Rows of cells beside a row, around an axis or mirrored at its walls, as stages of fifth order look at them."""

from __future__ import annotations

from wgflow.compilation import kernel

GHOSTS = 3


@kernel
def stencil_start(index, count, periodic):
    """First of the seven cells of a derivative: centred, but inside the walls."""
    return index - 3 if periodic else min(max(index - 3, 0), count - 7)


@kernel
def reflected(index, count, periodic):
    """Index of a cell around a periodic axis, or of its mirror image beyond a wall."""
    if periodic:
        return index % count
    return min(max(index, -1 - index), 2 * count - 1 - index)


@kernel
def parity(index, count, periodic):
    """Factor of a flux in a mirror image: velocities change their sign there."""
    return 1.0 if periodic or 0 <= index < count else -1.0


@kernel
def row_beside(volume, i, j, axis, offset, periodic):
    """The row at an offset along axis 0 or 1, around the axis or mirrored."""
    if axis == 0:
        return volume[reflected(i + offset, volume.shape[0], periodic), j]
    return volume[i, reflected(j + offset, volume.shape[1], periodic)]


@kernel
def fill_line(row, periodic, sign, line):
    """Copy a row into a line with ghost cells at both ends; mirror images get the sign."""
    count = row.size
    for k in range(count):  # an assignment of slices would compile the text of an error about their lengths
        line[GHOSTS + k] = row[k]
    factor = 1.0 if periodic else sign
    for ghost in range(1, GHOSTS + 1):
        line[GHOSTS - ghost] = factor * row[reflected(-ghost, count, periodic)]
        line[GHOSTS + count - 1 + ghost] = factor * row[reflected(count - 1 + ghost, count, periodic)]


@kernel
def shifted(line, offset):
    """The row that a line holds, seen from cells further on."""
    return line[GHOSTS + offset : line.size - GHOSTS + offset]


@kernel
def row_along(volume, i, j, axis, offset, periodic, line):
    """The row at an offset along an axis, around it or mirrored; along axis 2 a part of the line."""
    if axis == 2:
        return shifted(line, offset)
    return row_beside(volume, i, j, axis, offset, periodic)


@kernel
def rows_around_face(volume, i, j, axis, periodic, sign, line):
    """Six rows around the lower faces of the row (i, j); along axis 2 they are parts of the line."""
    if axis == 2:
        fill_line(volume[i, j], periodic, sign, line)
    return (
        row_along(volume, i, j, axis, -3, periodic, line),
        row_along(volume, i, j, axis, -2, periodic, line),
        row_along(volume, i, j, axis, -1, periodic, line),
        volume[i, j],
        row_along(volume, i, j, axis, 1, periodic, line),
        row_along(volume, i, j, axis, 2, periodic, line),
    )


@kernel
def neighbouring_rows(volume, i, j, axis, periodic, line):
    """The rows below and above the row (i, j); at a wall the row itself."""
    if axis == 2:
        fill_line(volume[i, j], periodic, 1.0, line)
    return row_along(volume, i, j, axis, -1, periodic, line), row_along(volume, i, j, axis, 1, periodic, line)


@kernel
def upper_faces(fluxes, i, j, axis, line):
    """The fluxes through the upper faces of the row (i, j); those of the last cells are stored with the first."""
    if axis == 2:
        fill_line(fluxes[i, j], True, 1.0, line)
    return row_along(fluxes, i, j, axis, 1, True, line)
