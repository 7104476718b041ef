"""Whole Runge-Kutta steps on short periodic rows, of flows that lower a square risk of neurons by half circles.

On so few cells a call from Python takes as long as what it does: one kernel does all stages of a step, and evaluates J
after each, by the parts of the kernels that do one thing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from wgflow.compilation import kernel
from wgflow.networks.kernels.half_circles import half_circle_square
from wgflow.upwind.kernels.watched_line import do_stage, largest_rate, line_extremes, sums_of_step


@kernel
def evaluate_square(risk, density, potential):
    """Square risk of a density, and its first variation; ``risk`` is what the functional prepared for it."""
    inputs, points, cuts, ends, sums, volume, targets, weights, net, prediction, coefficients = risk
    return half_circle_square(
        inputs, points, cuts, ends, sums, volume, targets, weights, net, prediction, coefficients, density, potential
    )


@cache
def square_step_kernel(limiter: int) -> Callable[..., tuple[float, ...]]:
    """Compile the steps of one limiter."""

    @kernel
    def square_step(density, kept, tried, results, weights, size, combination, line, risk):
        """Do a step, and give what decides on it.

        Stage i writes ``weights[i, 0] density + weights[i, 1] (u + size L(u))`` into ``results[i % 2]``, u being the
        result before; ``kept`` is J at the density, and J at the last result is left in ``tried``.

        Returns
        -------
        tuple of float
            How often J was evaluated, fewer times than there are stages where rule P does not hold at one of them; the
            risk at the end, and the loss rate and least value of J; the sums of `watched_line.sums_of_step`.
        """
        mobility, reaction, face_factor, volumes, bounds, flux, lanes, extrema = line
        energy, last = 0.0, weights.shape[0] - 1
        before, potential = density, kept
        for stage in range(last):
            after = results[stage % 2]
            if stage > 0 and size * largest_rate(potential, mobility, face_factor, reaction, lanes) > 1.0:
                return float(stage), energy, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            share = (weights[stage, 0], weights[stage, 1])
            do_stage(before, potential, density, share, size, mobility, reaction, limiter, flux, after)
            energy = evaluate_square(risk, after, tried)
            before, potential = after, tried
        after = results[last % 2]
        if last > 0 and size * largest_rate(potential, mobility, face_factor, reaction, lanes) > 1.0:
            return float(last), energy, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        share = (weights[last, 0], weights[last, 1])
        do_stage(before, potential, density, share, size, mobility, reaction, limiter, flux, after)
        error, change, mass, mass_after, paired = sums_of_step(
            density, before, after, potential, volumes, combination, bounds
        )
        energy = evaluate_square(risk, after, tried)
        rate, least = line_extremes(tried, mobility, face_factor, reaction, lanes, extrema)
        return float(last + 1), energy, rate, least, error, change, mass, mass_after, paired

    return square_step
