"""Figure 4 of Bach and Chizat (2022): gradient descent on separable logistic regression finds the largest margin.

Linear logistic regression through the origin on separable points in the plane. The iterates diverge, and their
direction converges to the linear classifier of the largest margin, but only like 1/log t. Descent with the step 1 is
followed for some iterations; steps of the size 1/(R max|x|^2), which the decreasing curvature allows, carry the same
flow to t = 10^12 and beyond. The support vectors determine w - w_1 log t -> rho with w_1 = sum_i alpha_i y_i x_i
and y_i <rho, x_i> = -log(n alpha_i) at each: with it the error of the direction is predicted without a fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from wgflow.analysis.optimality.margins import FeatureMargin, linear_margin
from wgflow.app.validation import Row, Setting, within
from wgflow.functionals.losses import LOGISTIC
from wgflow.plotting import save_figure
from wgflow.plotting.style import BLACK, GREY, sign_color, styled_figure, time_colors
from wgflow.typing import FloatArray

POINTS, SEED = 16, 9
LARGEST_STEP = 0.5  # of the growing steps, over the bound of the curvature
SHOWN = (3, 6, 12, 24, 48)  # powers of ten at which lines are drawn
FITTED, PREDICTED, AGREEMENT = 0.01, 0.002, 0.05  # allowed errors


def separable_points(seed: int) -> tuple[FloatArray, FloatArray]:
    """Points in the plane that a line through the origin separates, with a margin."""
    generator = np.random.default_rng(seed)
    points = generator.uniform(-1.0, 1.0, (6 * POINTS, 2))
    scores = points @ np.array([np.cos(0.6), np.sin(0.6)])
    kept = np.flatnonzero(np.abs(scores) > 0.15)[:POINTS]
    return points[kept], np.sign(scores[kept])


def descend(inputs: FloatArray, labels: FloatArray, times: FloatArray, *, step: float | None) -> FloatArray:
    """Iterates at given times of descent with a fixed step, or with steps that grow as the curvature falls."""
    curvature = float((inputs**2).sum(axis=1).max())
    weights, time, found = np.zeros(inputs.shape[1]), 0.0, []
    for wanted in times:
        while time < wanted:
            risk, slope = LOGISTIC.evaluate(inputs @ weights, labels)
            size = LARGEST_STEP / (curvature * risk) if step is None else step
            size = min(size, wanted - time)
            weights = weights - size * (inputs.T @ slope)
            time = wanted if size == wanted - time else time + size
        found.append(weights)
    return np.array(found)


def direction_errors(iterates: FloatArray, best: FeatureMargin) -> FloatArray:
    """Distances of the directions of iterates from that of the largest margin."""
    directions = iterates / np.linalg.norm(iterates, axis=1, keepdims=True)
    return np.asarray(np.linalg.norm(directions - best.coefficients, axis=1))


def predicted_iterates(inputs: FloatArray, labels: FloatArray, best: FeatureMargin, times: FloatArray) -> FloatArray:
    """Limit w_1 log t + rho of the iterates, where the support vectors span the plane."""
    support = best.multipliers > 1e-9
    alphas = best.multipliers[support] / best.margin**2
    signed = labels[support, None] * inputs[support]
    rho = np.linalg.lstsq(signed, -np.log(len(labels) * alphas), rcond=None)[0]
    return np.log(times)[:, None] * (alphas @ signed) + rho


def draw(
    inputs: FloatArray, labels: FloatArray, times: FloatArray, iterates: FloatArray, best: FeatureMargin, path: Path
) -> None:
    """Draw the data with separating lines at some times, and the error over log t."""
    shown = [i for i, time in enumerate(times) if round(np.log10(time)) in SHOWN]
    with styled_figure(4.0) as figure:
        data, decay = figure.subplots(1, 2)
        for sign in (1.0, -1.0):
            data.scatter(*inputs[labels == sign].T, s=14, color=sign_color(sign))
        directions = [*(iterates[i] for i in shown), best.coefficients]
        names = [*(f"t = 1e{np.log10(times[i]):.0f}" for i in shown), "largest margin"]
        for w, color, name in zip(directions, [*time_colors(len(shown)), BLACK], names, strict=True):
            along = 1.4 * np.array([-w[1], w[0]]) / np.linalg.norm(w)
            data.plot([-along[0], along[0]], [-along[1], along[1]], color=color, label=name)
        data.set(aspect="equal", title="separating lines", xlabel="$x_1$", ylabel="$x_2$")
        data.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        predicted = predicted_iterates(inputs, labels, best, times)
        decay.loglog(np.log(times), direction_errors(iterates, best), marker="o", label="descent")
        decay.loglog(np.log(times), direction_errors(predicted, best), color=GREY, linestyle="--", label="predicted")
        decay.set(title="error of the direction", xlabel="log t")
        decay.legend()
    save_figure(figure, path)


def fitted_decay(times: FloatArray, errors: FloatArray) -> tuple[FloatArray, float]:
    """Slope and value at 0 of 1 / error over log t, of the later half, and the largest relative misfit."""
    late = slice(len(times) // 2, None)
    line = np.polyfit(np.log(times[late]), 1.0 / errors[late], 1)
    return line, float(np.abs(np.polyval(line, np.log(times[late])) * errors[late] - 1.0).max())


def say_table(
    setting: Setting, times: FloatArray, margins: FloatArray, errors: FloatArray, predicted: FloatArray
) -> None:
    """Print margins and errors of the direction over time."""
    setting.say("       t   margin     direction error   predicted   error times log t")
    for time, margin, error, limit in zip(times, margins, errors, predicted, strict=True):
        setting.say(f"{time:8.0e}   {margin:.6f}   {error:.3e}         {limit:.3e}   {error * np.log(time):.5f}")


def validate(setting: Setting) -> Iterator[Row]:
    """Descend, and check rate and constant; quick, to t = 10^12 instead of 10^48."""
    inputs, labels = separable_points(SEED)
    best, last = linear_margin(inputs, labels), 12 if setting.quick else 48
    times = np.array([10.0**power for power in range(2, last + 1)])
    iterates = descend(inputs, labels, times, step=None)
    errors = direction_errors(iterates, best)
    margins = ((labels[:, None] * inputs) @ iterates.T).min(axis=0) / np.linalg.norm(iterates, axis=1)
    predicted = direction_errors(predicted_iterates(inputs, labels, best, times), best)
    setting.say(f"largest margin {best.margin:.6f}")
    say_table(setting, times, margins, errors, predicted)
    plain = descend(inputs, labels, times[:3], step=1.0)
    yield within("growing steps against steps of size 1 at t = 10^4", np.abs(plain - iterates[:3]).max(), AGREEMENT)
    line, misfit = fitted_decay(times, errors)
    fit = f"1 / ({line[0]:.3f} log t + {line[1]:.3f})"
    yield within("late errors of it over a fit 1 / (a log t + b), less 1", misfit, FITTED, fit)
    what = f"error of the direction at t = 10^{last} over the predicted, less 1"
    yield within(what, abs(errors[-1] / predicted[-1] - 1.0), PREDICTED).quote()
    draw(inputs, labels, times, iterates, best, setting.file())
