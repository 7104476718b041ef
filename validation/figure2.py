"""Figure 2 of Bach and Chizat (2022): students of 5, 20, 100, 1000 and infinitely many neurons follow one teacher.

Gradient flow on the population risk in the plane, four teacher neurons, balanced starts with a = +-1 and |b| = 1, equal
rates for both layers. A neuron of size |a||b| and direction eta is drawn at tanh(|a||b|/2) eta; m = infinity is the
equation on the signed circle, drawn as densities around the circle.

The published pictures are stochastic descent (batch 100, step 0.002) whose input layer runs 100 times faster:
``input_rate=100`` descends with the same steps on the population risk, and ``sgd=true`` with samples. The neurons are
then pairs (a, b), whose limit of infinite width lives in three dimensions, so that the panel m = infinity keeps equal
rates. With ``input_rate`` a table compares where the five neurons end: the same function, divided otherwise among
aligned neurons.

With ``share=true``, for many random teachers to t = 10^4 with equal rates: the share of students that stay above risk
1e-4 by their width, where infinity is 512 regular directions with both signs, compared with half as many.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from wgflow import Circle, Observers, Particles, Population, Signed, Teacher, Trajectory, simulate, solve
from wgflow.app.validation import Row, Setting, at_least, measured, within
from wgflow.flows import Evolution
from wgflow.flows.growth import RunSetup
from wgflow.flows.loop import Observer
from wgflow.particles import ParticleFlow
from wgflow.particles.methods import Descent
from wgflow.plotting import save_figure
from wgflow.plotting.line_profiles import find_line
from wgflow.plotting.networks import draw_disk, draw_polar
from wgflow.plotting.style import styled_figure
from wgflow.runs.record import check_times, record_flow
from wgflow.typing import FloatArray

from ._processes import side_by_side

TEACHER = Teacher.from_angles(np.array([0.5, 2.9, 4.9, 5.4]), np.array([1.0, -1.0, -1.0, 1.0]))
WIDTHS, T_END = (5, 20, 100, 1000), 400.0
SEED = 27  # of the starts; the five neurons learn the teacher, which two thirds of the starts do not
STEP, BATCH = 0.002, 100  # of the published descent
LEARNED = 0.01  # of the risk at the start
SAME_FUNCTION, OTHER_SPLIT = 1e-3, 0.1  # distance over that of the zero function, and in |a||b|
GOOD_RISK, SHARE_END, TEACHERS = 1e-4, 1e4, 50
DIRECTIONS = 512  # of the network that stands for infinity


class GoodEnough(Exception):  # noqa: N818 - it ends a run and is no error
    """The risk of a run has fallen below the wanted one."""


def start_network(width: int, generator: np.random.Generator) -> Particles:
    """Balanced neurons with signs +1 or -1 and uniform directions, of total mass 1."""
    angles = generator.uniform(0.0, 2.0 * np.pi, width)
    points = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    return Particles(points, np.full(width, 1.0 / width), generator.choice([-1.0, 1.0], width))


def regular_network(directions: int) -> Particles:
    """Balanced neurons of both signs at regular directions, of total mass 1."""
    points = np.tile(Circle(directions).points, (2, 1))
    return Particles(points, np.full(len(points), 1.0 / len(points)), np.repeat([1.0, -1.0], directions))


def follow_network(teacher: Teacher, start: Particles, times: FloatArray, watch: Sequence[Observer] = ()) -> Trajectory:
    """Gradient flow of a network with equal rates."""
    observers = Observers(step=watch)
    circle = Signed(Circle(64))
    return simulate(
        Population(teacher), start, times[-1], domain=circle, tolerance=1e-7, times=times, observers=observers
    )


def follow_pairs(
    teacher: Teacher, start: Particles, times: FloatArray, input_rate: float, batch: int | None
) -> Trajectory:
    """Descent of a network from balanced neurons, as pairs (a, b), with another rate for b; in polar form.

    An input weight can reach 0, where it has no direction and the flow ends; steps of the published size jump over.
    """
    pairs = Particles(np.column_stack([start.signs, start.points]), start.weights, np.ones(len(start.weights)))
    evolution = ParticleFlow(Population(teacher), pairs, method=Descent(STEP, batch=batch), input_rate=input_rate)
    times = check_times(times, times[-1])
    return polar_form(record_flow(evolution, times, functional=Population(teacher), run_setup=RunSetup(None)))


def polar_form(pairs: Trajectory) -> Trajectory:
    """Directions of b and weights |a||b|/m of a trajectory of pairs; the signs of a are those at the start."""
    outputs, inputs = pairs.position[..., 0], pairs.position[..., 1:]
    lengths = np.linalg.norm(inputs, axis=-1)
    directions = inputs / np.maximum(lengths, np.finfo(float).tiny)[..., None]
    fields = {"position": directions, "weight": np.abs(outputs) * lengths * pairs.weight}
    return replace(pairs, fields=fields, domain=Signed(Circle(64)), sign=np.sign(outputs[0]))


def follow_density(teacher: Teacher, cells: int, times: FloatArray) -> Trajectory:
    """The equation on the signed circle from the uniform probability measure."""
    domain = Signed(Circle(cells))
    return solve(Population(teacher), domain, np.full(domain.shape, 1.0 / (4.0 * np.pi)), times[-1], times=times)


def follow_width(width: int, *, times: FloatArray, input_rate: float, batch: int | None) -> Trajectory:
    """The student of one width in the figure."""
    start = start_network(width, np.random.default_rng(SEED))
    if input_rate == 1.0 and batch is None:
        return follow_network(TEACHER, start, times)
    return follow_pairs(TEACHER, start, times, input_rate, batch)


def time_to_learn(teacher: Teacher, start: Particles, t_end: float) -> float:
    """Time, at most ``t_end``, when the risk falls below the good one; infinity if it does not."""
    before, reached = (0.0, np.inf), np.inf

    def stop(evolution: Evolution) -> None:
        nonlocal before, reached
        if evolution.energy < GOOD_RISK:
            logarithms = np.log([before[1], GOOD_RISK, evolution.energy])
            reached = float(np.interp(-logarithms[1], -logarithms[[0, 2]], [before[0], evolution.time]))
            raise GoodEnough
        before = evolution.time, evolution.energy

    with suppress(GoodEnough):
        follow_network(teacher, start, np.array([t_end]), [stop])
    return reached


def learn_random(seed: int, *, t_end: float) -> FloatArray:
    """Times to learn a random teacher with 5, 20, 100 neurons, and with infinitely many on two regular starts."""
    generator = np.random.default_rng(seed)
    angles, weights = generator.uniform(0.0, 2.0 * np.pi, 4), generator.choice([-1.0, 1.0], 4)
    starts = [start_network(width, generator) for width in WIDTHS[:3]]
    starts += [regular_network(DIRECTIONS), regular_network(DIRECTIONS // 2)]
    teacher = Teacher.from_angles(angles, weights)
    return np.array([time_to_learn(teacher, start, t_end) for start in starts])


def share_rows(setting: Setting, teachers: int, t_end: float) -> Iterator[Row]:
    """Shares of runs above the good risk, with times until the others are below."""
    learn = partial(learn_random, t_end=t_end)
    times = np.array(side_by_side(learn, range(teachers), setting, "random teachers"))
    for name, column in zip(("5", "20", "100", "infinity"), times.T, strict=False):
        share, found = float(np.isinf(column).mean()), column[np.isfinite(column)]
        beside = f"others after {np.median(found):.3g} (median) to {found.max():.3g}" if found.size else ""
        what = f"m = {name}: share of {teachers} runs above risk {GOOD_RISK:g} at t = {t_end:g}"
        if t_end < SHARE_END:
            yield measured(what, share, beside)
        else:
            yield (at_least(what, share, 0.5, beside) if name == "5" else within(what, share, 0.0, beside)).quote()
    both = np.isfinite(times[:, 3:]).all(axis=1)
    error = float(np.abs(times[both, 4] / times[both, 3] - 1.0).max(initial=0.0))
    yield measured("m = infinity: change of these times with half as many directions", error)


@dataclass(frozen=True)
class Ends:
    """Where neurons end: angles and sizes |a||b|, in the order of the neurons."""

    angles: FloatArray
    sizes: FloatArray

    @classmethod
    def of(cls, network: Trajectory) -> Ends:
        """Last state of a network."""
        end = network.measure(-1)
        return cls(np.arctan2(end.points[:, 1], end.points[:, 0]) % (2.0 * np.pi), end.weights * len(end.weights))


def distance(first: Trajectory, second: Trajectory) -> float:
    """Mean square difference of the last functions of two networks over that of the teacher and zero."""
    end = second.measure(-1)
    against = Population(Teacher(end.points, end.weights * end.signs))
    return against.at_particles(first.measure(-1)).energy / Population(TEACHER).risk_at_zero


def split_rows(setting: Setting, equal: Trajectory, other: Trajectory, input_rate: float) -> Iterator[Row]:
    """Compare where the same neurons end with both rates: one function, divided otherwise among them."""
    first, second, width = Ends.of(equal), Ends.of(other), equal.measure(0).signs.size
    setting.say(f"m = {width}, angle and |a||b| at the end with equal rates, and with rates (1, {input_rate:g})")
    for j in np.argsort(first.angles):
        ends = "   ".join(f"{end.angles[j]:.3f} {end.sizes[j]:5.2f}" for end in (first, second))
        setting.say(f"  {'+' if equal.measure(0).signs[j] > 0.0 else '-'}  {ends}")
    what, split = f"m = {width}, rates (1, {input_rate:g}) and (1, 1)", np.abs(first.sizes - second.sizes).max()
    yield within(f"{what}: distance of the functions over that of zero", distance(equal, other), SAME_FUNCTION)
    yield at_least(f"{what}: largest difference of a neuron's |a||b|", split, OTHER_SPLIT)


def draw(networks: dict[int, Trajectory], limit: Trajectory, title: str, path: Path) -> None:
    """Draw the disks of the networks, the densities of the limit, and all risks."""
    with styled_figure(5.0) as figure:
        figure.suptitle(title)
        for place, (width, network) in enumerate(networks.items(), start=1):
            axes, line = figure.add_subplot(2, 3, place), find_line(network)
            if line is not None:
                draw_disk(axes, network, TEACHER, line)
            axes.set_title(f"$m = {width}$, risk {network.risk[-1]:.1e}")
        polar, line = figure.add_subplot(2, 3, 5, projection="polar"), find_line(limit)
        if line is not None:
            draw_polar(polar, limit, TEACHER, line)
        polar.set_title(rf"$m = \infty$, equal rates, risk {limit.risk[-1]:.1e}")
        for panel in figure.axes:
            panel.set_anchor("C")
            legend = panel.get_legend()
            if legend is not None:
                legend.remove()
        risks = figure.add_subplot(2, 3, 6)
        runs = {f"$m = {width}$": network for width, network in networks.items()} | {r"$m = \infty$": limit}
        for label, run in runs.items():
            risks.loglog(run.time[1:], run.risk[1:], label=label)
        risks.set_xlabel("time $t$")
        risks.set_title("risk $R$")
        risks.legend()
    save_figure(figure, path)


def validate(setting: Setting, *, input_rate: float = 1.0, sgd: bool = False, share: bool = False) -> Iterator[Row]:
    """Run the networks and the limit, and draw them; quick, to t = 20 and without the widest network.

    Parameters
    ----------
    setting : Setting
        How much is computed.
    input_rate : float
        Rate of the input layer over the output layer's.
    sgd : bool
        Stochastic descent with batches of 100, as published.
    share : bool
        Also the shares over random teachers: minutes.
    """
    t_end, widths = (20.0, WIDTHS[:-1]) if setting.quick else (T_END, WIDTHS)
    times = np.geomspace(1e-2, t_end, 100)
    follow = partial(follow_width, times=times, input_rate=input_rate, batch=BATCH if sgd else None)
    found = side_by_side(follow, widths[::-1], setting, "networks")  # the widest first: it takes longest
    networks = dict(zip(widths, found[::-1], strict=True))
    limit = follow_density(TEACHER, 512 if setting.quick else 1024, times)
    for width, network in networks.items():
        yield measured(f"m = {width}: risk at t = {t_end:g}", float(network.risk[-1]))
    what = f"m = infinity, equal rates: risk at t = {t_end:g} over that at 0"
    yield within(what, limit.risk[-1] / limit.risk[0], LEARNED, f"risk {limit.risk[-1]:.3e}")
    way = "stochastic descent" if sgd else "population risk"
    draw(networks, limit, f"$m < \\infty$: {way}, rates (1, {input_rate:g})", setting.file())
    if input_rate != 1.0:
        equal = follow_width(
            WIDTHS[0], times=np.geomspace(1e-2, T_END, 100), input_rate=1.0, batch=None
        )  # it is slower
        yield from split_rows(setting, equal, networks[WIDTHS[0]], input_rate)
    if share:
        yield from share_rows(setting, *((4, 100.0) if setting.quick else (TEACHERS, SHARE_END)))
