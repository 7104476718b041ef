"""Figure 5 of Bach and Chizat (2022): what wide networks learn when they separate clusters in the plane.

Four random training sets of 100 points in 4 x 4 clusters. First row: networks of 1000 neurons of which both layers are
trained by ascent of the soft-min margin, 3 10^5 iterations; second row: the output layer alone. Third row, their limits
of infinite width and time: the classifier of the largest margin gamma_1 in the variation norm, dashed that of the
largest margin gamma_2 in the space of the kernel, and dotted that of the PDE, the flow of both layers at infinite width
on a grid of the signed sphere, followed in normalised form until its mass has grown by e^400. The margins of the
networks and of the PDE, over their norms, are printed relative to these, also for sets of 20 points in 2 x 2 clusters
and of 60 in 3 x 3.

Both layers approach gamma_1 from below, but the logarithm of their norm grows only like 2 gamma_1 times the sum of the
steps. With gamma_1 near 0.01 the norm has grown by e^10 after 3 10^5 iterations, and among the neurons the best ones
have not yet won. The training goes on with ten times larger steps, and with smaller ones in the end, because the
margins of the support vectors jump around each other by the size of a step. The output layer, whose norm grows much
more slowly, has often not even separated the data after 3 10^5 iterations; it is also trained for 10^7, and is then
near the largest margin of its own random features.

With ``data=PROBLEM``, one training set from a data file with two inputs, e.g. the penguins that ship with wgflow; such
data need not be separated in the end, and nothing is asked. Sets are learned side by side on dask workers of one thread
each, in quick runs in this process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.axes import Axes

from wgflow import Features, Relu, Signed, Sphere, open_problem
from wgflow.analysis.optimality.margins import KernelMargin, MaxMargin, feature_margin, kernel_margin, variation_margin
from wgflow.app.validation import Row, Setting, between, measured, within
from wgflow.errors import InputError
from wgflow.networks.training.classifiers import REPORTED, Classifier, MarginAscent, Network, draw_network, margin
from wgflow.networks.training.clusters import draw_clusters
from wgflow.normalised.normalised_flow import NormalisedFlow
from wgflow.plotting import save_figure
from wgflow.plotting.regions import draw_boundary, draw_decision, draw_labelled
from wgflow.plotting.style import PURPLE, styled_figure
from wgflow.system.terminal import make_console
from wgflow.typing import FloatArray

from ._processes import dask_workers

SIDE, COUNT, SETS = 4, 100, 4
QUICK_SIDE, QUICK_COUNT, QUICK_SETS = 2, 20, 1
LATER = ((5.0, 1.0), (0.5, 0.5), (0.05, 0.25))  # how both layers go on: first step, share of the iterations
OTHER_SIZES = ((2, 20), (3, 60))  # clusters along an axis, points: sets that are not drawn
LOG_MASS, MOST_STEPS = 400.0, 100  # of the PDE at its end; data that are not separated never get there
PDE_SHARE = 0.9  # of gamma_1 that the PDE reaches
LEAST_SHARE = 0.95  # of gamma_1 that both layers reach in the long training
FEATURE_SHARE = 0.98  # of the margin of its features that the output layer reaches in the long training
ROUND_OFF = 1e-5  # of gamma_1, whose certified gap is smaller
TOPIC = "iterations"  # of the reports of dask workers

Report = Callable[[int], None]  # takes the number of iterations of a training that are done


@dataclass(frozen=True)
class Sizes:
    """Of the networks and their training, and of the sphere of the PDE."""

    width: int = 1000
    iterations: int = 300_000
    long_iterations: int = 10_000_000
    cells: int = 10242
    precision: Literal["float64", "float32"] = "float64"


QUICK = Sizes(60, 8000, 200_000, 642)


@dataclass(frozen=True)
class TrainingSet:
    """Inputs (n, 3), with a constant 1, and labels (n,); the number of the start; what they are."""

    inputs: FloatArray
    labels: FloatArray
    seed: int
    name: str

    @property
    def plane(self) -> FloatArray:
        """The two inputs that are not constant, shape (n, 2)."""
        return self.inputs[:, 1:]


@dataclass(frozen=True)
class Learned:
    """Classifiers of one training set."""

    both: Network
    both_later: Network  # after the long training
    outputs: Network
    outputs_later: Network
    pde: Network  # of a neuron at each cell
    variation: MaxMargin
    kernel: KernelMargin
    features: float  # largest margin of the random features of the output layer
    seconds: float  # of the training of both layers


def draw_sets(sets: int, side: int, count: int) -> list[TrainingSet]:
    """Random clusters, each set with labels of its own."""
    drawn = []
    for seed in range(sets):
        generator = np.random.default_rng(seed)
        data = draw_clusters(side, 3, generator).draw(count, generator)
        drawn.append(TrainingSet(*data, seed, f"k = {side}, n = {count}, set {seed}"))
    return drawn


def read_set(problem: str) -> TrainingSet:
    """Read the data of a problem file with two inputs, scaled as there."""
    data = open_problem(problem).dataset
    if data is None or data.input_shift.size != 2:
        raise InputError(f"problem {problem!r} has no data with two inputs; choose e.g. penguins")
    return TrainingSet(np.column_stack([np.ones(len(data.inputs)), data.inputs[:, :2]]), data.targets, 0, problem)


def report_to_client(_: int) -> None:
    """Tell the client of this dask worker about the iterations since the last report."""
    from distributed import get_worker

    get_worker().log_event(TOPIC, REPORTED)


def follow_pde(data: TrainingSet, cells: int) -> Network:
    """Direction that the flow of the softmin risk at infinite width has in the end, from the uniform measure."""
    domain = Signed(Sphere(cells))
    start = np.full(domain.shape, 1.0 / (8.0 * np.pi))
    features = Features(Relu(data.inputs), data.labels, "softmin")
    evolution = NormalisedFlow(features, domain, start, tau=4.0, growth=0.2)
    while evolution.log_mass < LOG_MASS and evolution.counts.accepted < MOST_STEPS:
        evolution.step()
    charges = domain.signs[:, None] * evolution.density * domain.volumes
    return Network(charges.size * charges.ravel(), np.tile(domain.base.points, (2, 1)))


def learn(data: TrainingSet, *, sizes: Sizes, report: Report = report_to_client) -> Learned:
    """Train in both ways, and find the limits."""
    inputs, labels = data.inputs, data.labels
    start = draw_network(sizes.width, inputs.shape[1], np.random.default_rng([data.seed, 1]))
    ascent = MarginAscent(sizes.iterations, precision=sizes.precision)
    started = time.perf_counter()
    both = ascent.train(start, inputs, labels, report)
    seconds = time.perf_counter() - started
    both_later = go_on(both, data, sizes, report)
    outputs, later = (
        MarginAscent(count).train_outputs(start.inputs, inputs, labels)
        for count in (sizes.iterations, sizes.long_iterations)
    )
    features = feature_margin(Relu(inputs)(start.inputs).T, labels).margin
    limits = variation_margin(inputs, labels), kernel_margin(inputs, labels)
    return Learned(both, both_later, outputs, later, follow_pde(data, sizes.cells), *limits, features, seconds)


def go_on(network: Network, data: TrainingSet, sizes: Sizes, report: Report) -> Network:
    """Train both layers further."""
    done = sizes.iterations
    for step, share in LATER:
        ascent = MarginAscent(int(share * sizes.iterations), step, sizes.precision)
        network = ascent.train(network, data.inputs, data.labels, report, done=done)
        done += ascent.iterations
    return network


def learn_all(sets: Sequence[TrainingSet], sizes: Sizes, scheduler: str | None, processes: int) -> list[Learned]:
    """Learn all sets on dask workers, and show what is left to do."""
    from rich.progress import Progress

    with Progress(console=make_console()) as progress:
        total = len(sets) * sizes.iterations * (1.0 + sum(share for _, share in LATER))
        advance = partial(progress.advance, progress.add_task("iterations", total=total))
        with dask_workers(scheduler, min(processes, len(sets))) as client:
            client.subscribe_topic(TOPIC, lambda event: advance(event[1]))  # type: ignore[no-untyped-call]
            return [task.result() for task in client.map(partial(learn, sizes=sizes), sets, pure=False)]


@dataclass(frozen=True)
class Shares:
    """Margins over the largest ones: of both layers, the PDE and the output layer, and of those trained for long."""

    both: float  # over gamma_1
    both_later: float
    pde: float
    outputs: float  # over gamma_2
    own: float  # of the output layer, over that of its features
    own_later: float

    @classmethod
    def of(cls, data: TrainingSet, learned: Learned) -> Shares:
        """Margins over the norms that the limits have, relative to these."""
        both, both_later, pde = (
            margin(one, data.inputs, data.labels) / one.variation / learned.variation.margin
            for one in (learned.both, learned.both_later, learned.pde)
        )
        outputs, later = (
            margin(one, data.inputs, data.labels) / one.output_norm for one in (learned.outputs, learned.outputs_later)
        )
        own = learned.features / np.sqrt(data.inputs.shape[1])  # in the units of gamma_2, as the norm of the outputs
        return cls(both, both_later, pde, outputs / learned.kernel.margin, outputs / own, later / own)


def rows_of(data: TrainingSet, share: Shares, learned: Learned) -> Iterator[Row]:
    """Margins over the largest ones: near these, and not beyond."""
    most, later = 1.0 + ROUND_OFF, f"norm e^{np.log(learned.both_later.variation) + learned.both_later.log_scale:.0f}"
    yield within(f"{data.name}: both layers over gamma_1", share.both, most).quote()
    yield between(f"{data.name}: both layers later over gamma_1", share.both_later, LEAST_SHARE, most, later).quote()
    yield between(f"{data.name}: PDE over gamma_1", share.pde, PDE_SHARE, most).quote()
    yield measured(f"{data.name}: output layer over gamma_2", share.outputs)
    yield measured(f"{data.name}: output layer over its features", share.own)
    what = f"{data.name}: output layer later over its features"
    yield between(what, share.own_later, FEATURE_SHARE, most).quote()
    yield measured(f"{data.name}: gamma_1", learned.variation.margin, f"gamma_2 {learned.kernel.margin:.6f}")
    yield measured(f"{data.name}: seconds of training both layers", learned.seconds).quote()


def in_plane(classifier: Classifier) -> Callable[[FloatArray], FloatArray]:
    """Make it a function of the inputs that are not constant."""
    return lambda points: classifier.predict(np.column_stack([np.ones(len(points)), points]))


def draw_column(column: Sequence[Axes], data: TrainingSet, learned: Learned) -> None:
    """Draw the classifiers of a training set."""
    shares = Shares.of(data, learned)
    titles = (
        rf"margin ${shares.both:.3f}\,\gamma_1$, later ${shares.both_later:.3f}$",
        rf"margin ${shares.outputs:.3f}\,\gamma_2$",
        rf"$\gamma_1 = {learned.variation.margin:.4f}$, PDE ${shares.pde:.3f}\,\gamma_1$",
    )
    classifiers: tuple[Classifier, ...] = (learned.both, learned.outputs, learned.variation)
    for axes, one, title in zip(column, classifiers, titles, strict=True):
        draw_decision(axes, in_plane(one), data.plane)
        axes.set_title(title)
        axes.set_aspect("equal")
        axes.set_xticks([])
        axes.set_yticks([])
    draw_boundary(column[2], in_plane(learned.kernel), data.plane)
    draw_boundary(column[2], in_plane(learned.pde), data.plane, PURPLE, ":")
    for axes in column:
        draw_labelled(axes, data.plane, data.labels)


def draw(sets: Sequence[TrainingSet], learned: Sequence[Learned], path: Path) -> None:
    """Draw a column for each training set."""
    with styled_figure(7.6) as figure:
        panels = figure.subplots(3, len(sets), squeeze=False)
        for column, data, one in zip(panels.T, sets, learned, strict=True):
            draw_column(column, data, one)
        names = ("both layers", "output layer", r"limits: $\gamma_1$, dashed $\gamma_2$, dotted PDE")
        for axes, name in zip(panels[:, 0], names, strict=True):
            axes.set_ylabel(name)
    save_figure(figure, path)


def plain(row: Row) -> Row:
    """Give the row of a set of which nothing is asked."""
    return measured(row.what, row.value, row.beside)


def validate(
    setting: Setting,
    *,
    data: str | None = None,
    iterations: int | None = None,
    width: int | None = None,
    precision: Literal["float64", "float32"] = "float64",
    scheduler: str | None = None,
) -> Iterator[Row]:
    """Train, compare the margins with the largest ones, and draw the regions; quick, a set of 20 points in 2 x 2.

    Parameters
    ----------
    setting : Setting
        How much is computed.
    data : str or None
        Problem file whose data are learned, e.g. penguins.
    iterations : int or None
        Of the training; 300000 by default.
    width : int or None
        Number of neurons; 1000 by default.
    precision : str
        Of the training.
    scheduler : str or None
        Address of a dask scheduler; processes on this machine by default.
    """
    usual = QUICK if setting.quick else Sizes()
    sizes = replace(usual, width=width or usual.width, iterations=iterations or usual.iterations, precision=precision)
    drawn = draw_sets(*((QUICK_SETS, QUICK_SIDE, QUICK_COUNT) if setting.quick else (SETS, SIDE, COUNT)))
    others = [one for size in OTHER_SIZES for one in draw_sets(1, *size)]
    if data is not None:
        drawn, others = [read_set(data)], []
    sets = drawn if setting.quick else [*drawn, *others]
    if setting.quick:
        learned = [learn(one, sizes=sizes, report=lambda _: None) for one in sets]
    else:
        learned = learn_all(sets, sizes, scheduler, setting.processes)
    for one, found in zip(sets, learned, strict=True):
        rows = rows_of(one, Shares.of(one, found), found)
        yield from rows if data is None else map(plain, rows)
    draw(drawn, learned[: len(drawn)], setting.file())
