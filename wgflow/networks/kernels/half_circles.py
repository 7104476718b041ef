"""Prefix sums over the arcs between the ends of half circles."""

from __future__ import annotations

from wgflow.compilation import kernel, reduction


@reduction
def arc_sums(mass, cosine, sine, cuts, sums):
    """Running vector sums of ``mass * point`` up to each cut."""
    sums[0, :] = 0.0
    for arc in range(cuts.size - 1):
        weights = mass[cuts[arc] : cuts[arc + 1]]
        x, y = cosine[cuts[arc] : cuts[arc + 1]], sine[cuts[arc] : cuts[arc + 1]]
        sum_x, sum_y = 0.0, 0.0
        for k in range(weights.size):
            sum_x += weights[k] * x[k]
            sum_y += weights[k] * y[k]
        sums[arc + 1, 0] = sums[arc, 0] + sum_x
        sums[arc + 1, 1] = sums[arc, 1] + sum_y


@kernel
def half_circle_sums(sums, first, last, inputs, moments):
    """Moment of each half circle; it runs through the origin of the angles where last <= first."""
    arcs = sums.shape[0] - 1
    for i in range(first.size):
        wrapped = 1.0 if last[i] < first[i] else 0.0
        for axis in range(2):
            inside = sums[last[i], axis] - sums[first[i], axis] + wrapped * sums[arcs, axis]
            moments[i] = inputs[i, axis] * inside + (moments[i] if axis == 1 else 0.0)


@kernel
def slopes_on_arcs(coefficients, inputs, first, last, slopes):
    """Vector ``sum_i coefficient_i x_i`` over the half circles that hold each arc."""
    slopes[:, :] = 0.0
    for i in range(first.size):
        wrapped = 1.0 if last[i] < first[i] else 0.0
        for axis in range(2):
            slope = coefficients[i] * inputs[i, axis]
            slopes[first[i], axis] += slope
            slopes[last[i], axis] -= slope
            slopes[0, axis] += wrapped * slope
    for arc in range(1, slopes.shape[0]):
        slopes[arc, 0] += slopes[arc - 1, 0]
        slopes[arc, 1] += slopes[arc - 1, 1]


@kernel
def linear_on_arcs(slopes, cosine, sine, cuts, potential):
    """Write ``point . slope`` into the cells of each arc."""
    for arc in range(cuts.size - 1):
        x, y = cosine[cuts[arc] : cuts[arc + 1]], sine[cuts[arc] : cuts[arc + 1]]
        values = potential[cuts[arc] : cuts[arc + 1]]
        slope_x, slope_y = slopes[arc, 0], slopes[arc, 1]
        for k in range(values.size):
            values[k] = x[k] * slope_x + y[k] * slope_y
