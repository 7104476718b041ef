"""Theorem 1 of Bach and Chizat (2022) as a measured rate: m particles of weight 1/m follow the flow of the PDE.

Mean over the seeds of the squared distance |h_m(t) - h(t)|^2 of the outputs of m particles from those of the PDE, at a
fixed t, for m = 2^5, ..., 2^13: random starts must fall like 1/m, stratified ones like m^-(1 + 2/d) in dimension d, and
equispaced ones on the circle faster than any power, down to what the start is known to. The sphere equation with its
reaction on the circle (quadratic features, bumps, ReLU with both signs), the continuity equation in the plane (waves on
a torus, tanh neurons (a, b) on data). The PDE is solved exactly, by finite volumes of order 5, or by characteristics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from wgflow import (
    Box,
    Circle,
    Features,
    Neurons,
    Particles,
    Population,
    Quadratic,
    Relu,
    Signed,
    SmoothLayer,
    Space,
    Teacher,
    draw_particles,
    simulate,
    solve,
)
from wgflow.app.validation import Row, Setting, between, within
from wgflow.domains import Domain
from wgflow.domains.quadrature import cell_averages
from wgflow.exact import quadratic_flow
from wgflow.functionals import FeatureMap, OuterProduct
from wgflow.measures import nodes_of_cells
from wgflow.plotting import save_figure
from wgflow.plotting.style import CURVES, GREY, styled_figure
from wgflow.typing import FloatArray

from ._processes import side_by_side

COUNTS, SEEDS = {False: 2 ** np.arange(5, 14), True: 2 ** np.arange(5, 10, 2)}, {False: 32, True: 12}  # in full, quick
DRAWN_CELLS = 2**17  # of a circle that particles are drawn from; its density is constant on each, which costs 5e-11
BANDS = {"random": {False: 0.1, True: 0.2}, "stratified": {False: 0.15, True: 0.3}}  # around the theory's exponents
CLEAR = 0.1  # largest error of the reference, over the smallest root mean square distance that is fitted
SPECTRAL_COUNT, SPECTRAL_ERROR = 128, 1e-10  # distance that so many equispaced particles reach
SEEDS_AT_ONCE = 8  # in one piece of work
STARTS = dict(zip(("random", "stratified", "equispaced"), CURVES, strict=True))


@dataclass(frozen=True)
class Case:
    """A flow, its start, and what the PDE says about it."""

    title: str
    functional: Features | Population
    outputs: FeatureMap  # whose integrals h are compared
    drawn: Domain  # that particles are drawn on
    start: FloatArray  # cell averages of the density there at time 0
    home: Domain  # that particles move on
    t_end: float
    solve: Callable[[bool], tuple[FloatArray, float]]  # gives h of the PDE at the end, and an estimate of its largest
    # error; where particles are few, a coarser solution will do
    starts: tuple[str, ...] = ("random", "stratified")
    dimension: int = 1
    tolerance: float = 1e-8  # local error of the particles

    def moved(self, particles: Particles) -> FloatArray:
        """Outputs at the end of particles that start at time 0."""
        times, tolerance = [self.t_end], self.tolerance
        trajectory = simulate(
            self.functional, particles, self.t_end, domain=self.home, times=times, tolerance=tolerance
        )
        return integrate(self.outputs, trajectory.measure(-1))

    def by_volumes(
        self, grids: tuple[Domain, Domain], density: Callable[[FloatArray], FloatArray]
    ) -> tuple[FloatArray, float]:
        """Outputs of finite volumes of order 5, extrapolated from two grids, one twice as fine, and by how much."""
        coarse, fine = (
            solve(self.functional, grid, density, self.t_end, times=[self.t_end], order=5).measure(-1) for grid in grids
        )
        change = (integrate(self.outputs, fine) - integrate(self.outputs, coarse)) / (2.0**5 - 1.0)
        return integrate(self.outputs, fine) + change, float(np.abs(change).max())

    def by_nodes(self, coarse: Particles, fine: Particles) -> tuple[FloatArray, float]:
        """Outputs of the characteristics from the nodes of a quadrature, and how far a coarser one is from them."""
        outputs = self.moved(fine)
        return outputs, float(np.abs(outputs - self.moved(coarse)).max())

    def squared_distance(self, start: str, count: int, seed: int, reference: FloatArray) -> float:
        """Mean square over the outputs of the distance of one set of particles from the reference."""
        particles = draw_particles(self.drawn, self.start, count, seed, start)
        return float(((self.moved(particles) - reference) ** 2).mean())

    def exponent(self, start: str) -> float:
        """Exponent of m by the theory."""
        return -1.0 if start == "random" else -(1.0 + 2.0 / self.dimension)


def integrate(outputs: FeatureMap, measure: Particles) -> FloatArray:
    """Integrals of features."""
    return (measure.weights * measure.signs) @ outputs(measure.points)


@dataclass(frozen=True)
class Bumps:
    """Features exp(k (c_i . x - 1)) around points c_i of the circle."""

    centres: FloatArray
    sharpness: float

    def __call__(self, points: FloatArray) -> FloatArray:
        """Features, shape (N, n)."""
        return np.exp(self.sharpness * (points @ self.centres.T - 1.0))

    def gradient(self, points: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Ambient gradient of the combination, shape (N, 2)."""
        return self.sharpness * (self(points) * coefficients) @ self.centres


@dataclass(frozen=True)
class Waves:
    """Features cos(k_i . x) and sin(k_i . x) on the torus."""

    frequencies: FloatArray

    def __call__(self, points: FloatArray) -> FloatArray:
        """Features, shape (N, 2n)."""
        phases = points @ self.frequencies.T
        return np.hstack([np.cos(phases), np.sin(phases)])

    def gradient(self, points: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Ambient gradient of the combination, shape (N, 2)."""
        cosines, sines = np.hsplit(self(points), 2)
        by_cosine, by_sine = np.split(coefficients, 2)
        return (cosines * by_sine - sines * by_cosine) @ self.frequencies


def on_circle(angles: ArrayLike) -> FloatArray:
    """Unit vectors at angles."""
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1)


def smooth_start(points: FloatArray) -> FloatArray:
    """Density exp(0.8 x + 0.3 y) / (2 pi) at points of the circle."""
    return np.exp(points @ np.array([0.8, 0.3])) / (2.0 * np.pi)


def quadratic_case() -> Case:
    """Quadratic features, whose flow is known exactly."""
    target, covariance = np.array([[1.0, 0.3], [0.3, 0.5]]), np.array([[0.5, -0.1], [-0.1, 0.3]])
    functional, drawn = Quadratic(target), Circle(DRAWN_CELLS)
    exact = quadratic_flow(target, covariance, 0.5).covariance.ravel()
    density = cell_averages(drawn, quadratic_flow(target, covariance, 0.0))
    return Case(
        "circle, quadratic features",
        functional,
        OuterProduct(),
        drawn,
        density,
        drawn,
        0.5,
        lambda _: (exact, 0.0),
        tuple(STARTS),
        tolerance=1e-10,
    )


def bumps_case() -> Case:
    """Eight bumps, to be fitted to those of three atoms."""
    bumps = Bumps(on_circle(np.arange(8) * np.pi / 4.0), 3.0)
    functional = Features(bumps, np.array([1.0, 0.6, 0.8]) @ bumps(on_circle([0.4, 2.0, 4.1])))
    drawn = Circle(DRAWN_CELLS)
    case = Case(
        "circle, bumps",
        functional,
        bumps,
        drawn,
        cell_averages(drawn, smooth_start),
        drawn,
        1.0,
        lambda _: case.by_volumes((Circle(512), Circle(1024)), smooth_start),
        tuple(STARTS),
        tolerance=1e-10,
    )
    return case


def relu_case() -> Case:
    """ReLU neurons of both signs and a teacher, outputs in 64 directions."""
    teacher = Teacher.from_angles(np.array([0.5, 2.9, 4.9]), np.array([1.0, -1.0, 0.7]))
    drawn = Signed(Circle(DRAWN_CELLS))

    def nodes(count: int) -> Particles:
        circle = Circle(count)
        return nodes_of_cells(Signed(circle), np.stack([smooth_start(circle.points)] * 2))

    case = Case(
        "signed circle, ReLU and a teacher",
        Population(teacher),
        Relu(on_circle(np.arange(64) * np.pi / 32.0)),
        drawn,
        np.stack([cell_averages(drawn.base, smooth_start)] * 2),
        drawn,
        1.0,
        lambda quick: case.by_nodes(nodes(2**10), nodes(2**11)) if quick else case.by_nodes(nodes(2**12), nodes(2**13)),
    )
    return case


def waves_case() -> Case:
    """Twelve waves on the torus, to be fitted to those of two atoms."""
    waves = Waves(np.array([[1, 0], [0, 1], [1, 1], [1, -1], [2, 0], [0, 2]], dtype=np.float64))
    functional = Features(waves, waves(np.array([[1.0, 2.0], [4.0, 5.0]])).mean(axis=0))

    def torus(cells: int) -> Domain:
        return Box([(0.0, 2.0 * np.pi)] * 2, (cells, cells), periodic=True)

    def density(points: FloatArray) -> FloatArray:
        x, y = points[..., 0], points[..., 1]
        return (1.0 + 0.4 * np.cos(x - 1.0) + 0.3 * np.sin(x + y)) / (2.0 * np.pi) ** 2

    drawn = torus(512)
    case = Case(
        "torus, waves",
        functional,
        waves,
        drawn,
        cell_averages(drawn, density),
        drawn,
        2.0,
        lambda _: case.by_volumes((torus(64), torus(128)), density),
        dimension=2,
    )
    return case


def pairs_case() -> Case:
    """Neurons a tanh(b x) on data, uniform on a square at first; its characteristics start at Gauss-Legendre nodes."""
    inputs = np.linspace(-2.0, 2.0, 8)[:, None]
    layer = Neurons(SmoothLayer(inputs, "tanh"))
    square = Box([(-1.0, 1.0), (0.0, 2.0)], (4, 4))

    def nodes(count: int) -> Particles:
        places, weights = np.polynomial.legendre.leggauss(count)
        a, b = np.meshgrid(places, 1.0 + places, indexing="ij")
        points, masses = np.stack([a.ravel(), b.ravel()], axis=-1), 0.25 * np.outer(weights, weights).ravel()
        return Particles(points, masses, np.ones(masses.size))

    case = Case(
        "plane, neurons a tanh(b x) on data",
        Features(layer, np.sin(1.5 * inputs[:, 0])),
        layer,
        square,
        np.full(square.shape, 0.25),
        Space(2),
        4.0,
        lambda _: case.by_nodes(nodes(24), nodes(32)),
        dimension=2,
    )
    return case


CASES = {"quadratic": quadratic_case, "bumps": bumps_case, "relu": relu_case, "waves": waves_case, "pairs": pairs_case}


@cache
def find_case(name: str) -> Case:
    """Make a case, once in each process."""
    return CASES[name]()


@dataclass(frozen=True)
class Work:
    """Some seeds of a case, a kind of start and a number of particles."""

    name: str
    start: str
    count: int
    seeds: range
    reference: FloatArray

    def sum(self) -> float:
        """Sum of the squared distances."""
        case = find_case(self.name)
        return sum(case.squared_distance(self.start, self.count, seed, self.reference) for seed in self.seeds)


Curves = dict[str, FloatArray]


def plan(references: dict[str, FloatArray], counts: Sequence[int], seeds: int) -> list[Work]:
    """All pieces of work, the longest first, so that no process waits long at the end."""
    work = []
    for count in sorted(counts, reverse=True):
        for name, reference in references.items():
            for start in find_case(name).starts:
                total = 1 if start == "equispaced" else seeds
                for first in range(0, total, SEEDS_AT_ONCE):
                    some = range(first, min(first + SEEDS_AT_ONCE, total))
                    work.append(Work(name, start, count, some, reference))
    return work


def measure(
    references: dict[str, FloatArray], counts: Sequence[int], seeds: int, setting: Setting
) -> dict[str, Curves]:
    """Mean squared distances of each case and start, shape (counts,)."""
    work = plan(references, counts, seeds)
    curves = {name: {start: np.zeros(len(counts)) for start in find_case(name).starts} for name in references}
    for piece, found in zip(work, side_by_side(Work.sum, work, setting, "particles"), strict=True):
        total = 1 if piece.start == "equispaced" else seeds
        curves[piece.name][piece.start][counts.index(piece.count)] += found / total
    return curves


def fitted_exponent(counts: Sequence[int], squares: FloatArray) -> float:
    """Slope of the logarithm of the mean squared distance over that of the number of particles."""
    return float(np.polyfit(np.log(counts), np.log(squares), 1)[0])


def rows_of(case: Case, counts: Sequence[int], curves: Curves, error: float, *, quick: bool) -> Iterator[Row]:
    """Compare the rates of a case with those of the theory."""
    smallest = min(float(np.sqrt(curves[start].min())) for start in BANDS)
    yield within(f"{case.title}: error of the PDE over the least distance", error / smallest, CLEAR)
    for start, bands in BANDS.items():
        theory, band = case.exponent(start), bands[quick]
        found = fitted_exponent(counts, curves[start])
        yield between(f"{case.title}, {start}: exponent of m", found, theory - band, theory + band).quote()
    if "equispaced" in curves:
        reached = float(np.sqrt(curves["equispaced"][counts.index(SPECTRAL_COUNT)]))
        yield within(f"{case.title}, equispaced: distance at m = {SPECTRAL_COUNT}", reached, SPECTRAL_ERROR)


def say_table(setting: Setting, case: Case, counts: Sequence[int], curves: Curves) -> None:
    """Print the distances of a case."""
    setting.say(f"{case.title}, t = {case.t_end:g}: mean squared distance of the outputs")
    setting.say(f"{'m':>6s}" + "".join(f"{start:>12s}" for start in curves))
    for row, count in enumerate(counts):
        setting.say(f"{count:6d}" + "".join(f"{squares[row]:12.2e}" for squares in curves.values()))


def draw(counts: Sequence[int], curves: dict[str, Curves], path: Path) -> None:
    """Draw all curves, with lines of the slopes of the theory."""
    with styled_figure(6.4) as figure:
        panels = figure.subplots(2, 3, sharex=True).ravel()
        for axes, (name, by_start) in zip(panels, curves.items(), strict=False):
            case = find_case(name)
            for start, squares in by_start.items():
                axes.loglog(counts, squares, "o-", color=STARTS[start], markersize=4, label=start)
                if start in BANDS:
                    slope = case.exponent(start)
                    middle = np.exp(np.log(squares).mean() - slope * np.log(counts).mean())
                    axes.loglog(counts, middle * np.array(counts, dtype=np.float64) ** slope, ":", color=GREY)
                    axes.annotate(f"$m^{{{slope:g}}}$", (counts[-1], squares[-1]), (4, -4), textcoords="offset points")
            axes.set_title(case.title)
            axes.set_xscale("log", base=2)
            axes.tick_params(labelbottom=True)
            axes.set_xlabel("number of particles $m$")
        for axes in panels[::3]:
            axes.set_ylabel("mean of $|h_m(t) - h(t)|^2$")
        panels[-1].set_axis_off()
        panels[-1].legend(*panels[0].get_legend_handles_labels(), loc="upper left", title="start")
    save_figure(figure, path)


def validate(setting: Setting) -> Iterator[Row]:
    """Measure all cases; quick, with fewer particles and seeds."""
    counts = COUNTS[setting.quick].tolist()
    solved = {name: find_case(name).solve(setting.quick) for name in CASES}
    references = {name: reference for name, (reference, _) in solved.items()}
    curves = measure(references, counts, SEEDS[setting.quick], setting)
    for name, found in curves.items():
        say_table(setting, find_case(name), counts, found)
        yield from rows_of(find_case(name), counts, found, solved[name][1], quick=setting.quick)
    draw(counts, curves, setting.file())
