"""Prefix sums over the arcs between the ends of half circles."""

from __future__ import annotations

from wgflow.compilation import arrays_apart, kernel, reduction


@reduction
def arc_sums(mass, points, cuts, sums):
    """Running vector sums of ``mass * point`` up to each cut."""
    arrays_apart()
    sums[0, :] = 0.0
    for arc in range(cuts.size - 1):
        weights = mass[cuts[arc] : cuts[arc + 1]]
        x, y = points[0, cuts[arc] : cuts[arc + 1]], points[1, cuts[arc] : cuts[arc + 1]]
        sum_x, sum_y = 0.0, 0.0
        for k in range(weights.size):
            sum_x += weights[k] * x[k]
            sum_y += weights[k] * y[k]
        sums[arc + 1, 0] = sums[arc, 0] + sum_x
        sums[arc + 1, 1] = sums[arc, 1] + sum_y


@kernel
def half_circle_moments(mass, inputs, points, cuts, ends, sums, moments):
    """Moment of each half circle; it runs through the origin of the angles where it ends before it begins."""
    arc_sums(mass, points, cuts, sums)
    whole_x, whole_y = sums[-1, 0], sums[-1, 1]
    for i in range(moments.size):
        first, last = ends[0, i], ends[1, i]
        wrapped = 1.0 if last < first else 0.0
        inside_x = sums[last, 0] - sums[first, 0] + wrapped * whole_x
        inside_y = sums[last, 1] - sums[first, 1] + wrapped * whole_y
        moments[i] = inputs[i, 1] * inside_y + inputs[i, 0] * inside_x


@kernel
def slopes_on_arcs(coefficients, inputs, ends, slopes):
    """Vector ``sum_i coefficient_i x_i`` over the half circles that hold each arc."""
    slopes[:, :] = 0.0
    origin_x, origin_y = 0.0, 0.0  # apart from the others: sums in memory wait for one another
    for i in range(coefficients.size):
        first, last = ends[0, i], ends[1, i]
        slope_x, slope_y = coefficients[i] * inputs[i, 0], coefficients[i] * inputs[i, 1]
        slopes[first, 0] += slope_x
        slopes[first, 1] += slope_y
        slopes[last, 0] -= slope_x
        slopes[last, 1] -= slope_y
        wrapped = 1.0 if last < first else 0.0
        origin_x += wrapped * slope_x
        origin_y += wrapped * slope_y
    slopes[0, 0] += origin_x
    slopes[0, 1] += origin_y
    for arc in range(1, slopes.shape[0]):
        slopes[arc, 0] += slopes[arc - 1, 0]
        slopes[arc, 1] += slopes[arc - 1, 1]


@kernel
def half_circle_potential(coefficients, inputs, points, cuts, ends, slopes, potential):
    """Write ``sum_i coefficient_i max(point . x_i, 0)`` into the cells: on each arc ``point . slope``."""
    slopes_on_arcs(coefficients, inputs, ends, slopes)
    for arc in range(cuts.size - 1):
        x, y = points[0, cuts[arc] : cuts[arc + 1]], points[1, cuts[arc] : cuts[arc + 1]]
        values = potential[cuts[arc] : cuts[arc + 1]]
        slope_x, slope_y = slopes[arc, 0], slopes[arc, 1]
        for k in range(values.size):
            values[k] = x[k] * slope_x + y[k] * slope_y


@kernel
def square_of(prediction, factor, targets, weights, coefficients):
    """Risk ``sum_i weight_i (h_i - target_i)^2 / 2`` and its gradient; h is the factor times what is there for it."""
    risk = 0.0
    for i in range(targets.size):
        prediction[i] *= factor
        residual = prediction[i] - targets[i]
        coefficients[i] = weights[i] * residual
        risk += 0.5 * coefficients[i] * residual
    return risk


@kernel
def half_circle_square(
    inputs, points, cuts, ends, sums, volume, targets, weights, net, prediction, coefficients, density, potential
):  # fmt: skip
    """Give the square risk of a density, and write its first variation: both of shape (sheets, N).

    Its cells have the same volume. Predictions and coefficients (n,) are those of the risk; ``net`` (N,) is work space,
    as are the sums.
    """
    sheets, positive = density.shape[0], potential[0]
    mass = density[0]
    if sheets == 2:
        negative, difference = density[1], net
        for k in range(net.size):
            difference[k] = mass[k] - negative[k]
        mass = difference
    half_circle_moments(mass, inputs, points, cuts, ends, sums, prediction)
    risk = square_of(prediction, volume, targets, weights, coefficients)
    half_circle_potential(coefficients, inputs, points, cuts, ends, sums, positive)
    if sheets == 2:
        mirrored = potential[1]
        for k in range(net.size):
            mirrored[k] = -positive[k]
    return risk
