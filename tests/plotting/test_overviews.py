"""Each kind of run has its overview: which panels, of what, on which scales, and the value at their end."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from matplotlib.contour import ContourSet
from matplotlib.mathtext import MathTextParser
from matplotlib.text import Annotation

import wgflow
from wgflow import (
    Box,
    Entropy,
    Interaction,
    KernelDiscrepancy,
    Particles,
    Potential,
    PowerEnergy,
    SobolevDiscrepancy,
    Space,
)
from wgflow.flows import labels
from wgflow.plotting.layout import COLORBAR
from wgflow.plotting.levels import share_levels
from wgflow.plotting.margins import largest_margin, margins, upper_bounds
from wgflow.plotting.overview import KINDS, kind_of_run
from wgflow.plotting.overviews.kinds import RunKind
from wgflow.plotting.references import least_energy, rest_density, target_samples
from wgflow.plotting.scalars import dissipation_curve, readable
from wgflow.plotting.shown import Shown
from wgflow.plotting.spike_errors import spike_errors

DISSIPATION = (r"dissipation $-\mathrm{d}F/\mathrm{d}t$", "log")
ENERGY = (r"energy $F(\mu_t)$", "linear")
CASES = {
    "circle, data": ("el_nino", ["domain.cells=32", "solver.t_end=20", "output.snapshots=6"]),
    "circle, teacher": ("teacher", ["domain.cells=32", "solver.t_end=1", "output.snapshots=4"]),
    "line": ("fokker_planck", ["domain.shape=[40]", "solver.t_end=1", "output.snapshots=5"]),
    "box, 2-D": ("porous_medium", ["domain.shape=[14,12]", "solver.t_end=0.1", "output.snapshots=5"]),
    "box, 3-D": ("regression_box", ["domain.shape=[8,8,8]", "solver.t_end=0.1", "output.snapshots=3"]),
    "surface": ("regression", ["domain.cells=42", "solver.t_end=0.1", "output.snapshots=4"]),
    "particles, 2-D and 3-D": ("riccati_jko", ["particles.count=16", "solver.t_end=0.5", "output.snapshots=3"]),
    "classifier": ("clusters", ["domain.cells=42", "solver.t_end=100", "output.snapshots=4"]),
    "deconvolution": ("spikes", ["domain.cells=48", "solver.t_end=5", "output.snapshots=5"]),
}
COARSE = ["domain.wall_limit=1.0", "domain.wall_warning=1.0"]
PANELS = {
    "circle, data": [
        ("temperature", "linear"),
        ("risk $R(h_t)$", "linear"),
        ("mass", "linear"),
        (r"angle of $\eta$", "linear"),
        (r"angle of $\eta$", "linear"),
    ],
    "circle, teacher": [
        ("", "linear"),
        ("risk $R(h_t)$", "linear"),
        DISSIPATION,
        (r"angle of $\eta$", "linear"),
        (r"angle of $\eta$", "linear"),
    ],
    "line": [(r"density of $\mu_t$", "linear"), ("$x$", "linear"), ENERGY, DISSIPATION],
    "box, 2-D": [("$y$", "linear"), *[("", "linear")] * 3, ENERGY, DISSIPATION],
    "box, 3-D": [
        ("y", "linear"),
        (r"risk $R(\mu_t)$", "linear"),
        DISSIPATION,
        ("$b$", "linear"),
        ("$c$", "linear"),
        ("$c$", "linear"),
    ],
    "surface": [("y", "linear"), (r"risk $R(\nu_t)$", "linear"), (r"mass $|\nu_t|$", "linear"), *[("", "linear")] * 3],
    "particles, 2-D and 3-D": [("$w_2$", "linear"), (r"risk $R(\mu_t)$", "linear"), DISSIPATION],
    "classifier": [
        ("x2", "linear"),
        *[("", "linear")] * 4,
        (r"$\min_i y_i h_t(x_i) / |\nu_t|$", "linear"),
        (r"$\log |\nu|$", "linear"),
    ],
    "deconvolution": [
        ("weight of a spike", "linear"),
        ("first variation $J$", "linear"),
        ("risk $R(h_t)$", "log"),
        ("largest error of a spike", "log"),
    ],
}


@cache
def seen(kind):
    """What is shown of the run of a kind, and its figure, whose panels are drawn but not laid out."""
    name, settings = CASES[kind]
    box = COARSE if "box" in kind else []
    problem = wgflow.open_problem(name, [*settings, *box, "output.spacing=linear"])
    shown = Shown(wgflow.run(problem), problem)
    return shown, drawn(shown)


def drawn(shown):
    return wgflow.plot_trajectory(shown.trajectory, shown.problem)


def panels(figure):
    return [axes for axes in figure.axes if axes.get_label() != COLORBAR]


def ends(axes):
    """What is written beside the ends of curves."""
    return [text.get_text() for text in axes.texts if isinstance(text, Annotation)]


def panel(figure, title):
    (found,) = [axes for axes in figure.axes if title in axes.get_title(loc="left")]
    return found


def curve(axes, label):
    (found,) = [line for line in axes.get_lines() if line.get_label() == label]
    return found


@pytest.mark.parametrize("kind", CASES)
def test_each_kind_of_run_has_its_panels(kind):
    shown, figure = seen(kind)
    assert kind_of_run(shown).name == kind
    assert [(axes.get_ylabel(), axes.get_yscale()) for axes in panels(figure)] == PANELS[kind]
    letters = [axes.get_title(loc="left").split("   ")[0] for axes in panels(figure)]
    assert letters == [rf"$\bf{{{letter}}}$" for letter in "ABCDEFGH"[: len(letters)]]


@pytest.mark.parametrize("kind", ["circle, data", "line", "box, 2-D", "surface", "deconvolution"])
def test_the_last_value_stands_at_the_end_of_what_falls(kind):
    shown, figure = seen(kind)
    trajectory = shown.trajectory
    falling = panel(figure, "Risk" if shown.is_risk else "Energy")
    assert readable(trajectory.scalars[trajectory.labels.falling][-1]) in ends(falling)


def test_energies_stand_above_their_least_value():
    shown, figure = seen("line")
    trajectory, mass = shown.trajectory, shown.trajectory.mass[-1]
    well = (trajectory.domain.axes[0] ** 2 - 1.0) ** 2
    gibbs = np.exp(-well / 0.15) / (np.exp(-well / 0.15).sum() * trajectory.domain.spacing[0]) * mass
    dashed = curve(panel(figure, "at a few times"), "at rest")
    np.testing.assert_allclose(dashed.get_ydata(), gibbs, rtol=1e-12)
    assert dashed.get_zorder() < curve(panel(figure, "at a few times"), "$t = 1$").get_zorder()
    least = 0.15 * mass * np.log(mass / (np.exp(-well / 0.15).sum() * trajectory.domain.spacing[0]))
    assert curve(panel(figure, "Energy"), "$F_*$").get_ydata()[0] == pytest.approx(least, rel=1e-12)
    above = curve(panel(figure, "Dissipation"), "$F - F_*$")
    np.testing.assert_allclose(above.get_ydata(), trajectory.energy - least, rtol=1e-9)
    assert panel(figure, "Energy").get_title(loc="right") == "mass $1.00$, constant"


def test_the_dissipation_is_that_of_the_steps():
    shown, figure = seen("line")
    time, values = curve(panel(figure, "Dissipation"), r"$-\mathrm{d}F/\mathrm{d}t$").get_data()
    np.testing.assert_array_equal(time, shown.trajectory.steps["time"])
    np.testing.assert_array_equal(values, shown.trajectory.steps["dissipation"])
    fallen = (shown.trajectory.steps["step_size"] * values).sum()
    assert fallen == pytest.approx(shown.trajectory.energy[0] - shown.trajectory.energy[-1], rel=1e-9)


def test_without_steps_the_dissipation_is_that_between_outputs():
    trajectory = seen("line")[0].trajectory
    time, values = dissipation_curve(
        wgflow.Trajectory(trajectory.time, trajectory.scalars, trajectory.fields, trajectory.domain)
    )
    np.testing.assert_array_equal(time, trajectory.time[1:])
    np.testing.assert_allclose(values, -np.diff(trajectory.energy) / np.diff(trajectory.time), rtol=1e-14)


def test_porous_media_rest_at_a_paraboloid():
    shown, figure = seen("box, 2-D")
    rest, box = rest_density(shown), shown.trajectory.domain
    level = rest.max() + 0.25 * (box.points**2).sum(axis=-1)[rest == rest.max()].min()
    np.testing.assert_allclose(rest, np.maximum(level - 0.25 * (box.points**2).sum(axis=-1), 0.0), atol=1e-12)
    assert (rest * box.volumes).sum() == pytest.approx(shown.trajectory.mass[-1], rel=1e-12)
    assert least_energy(shown) < shown.trajectory.energy[-1]
    assert [axes.get_title(loc="right") for axes in panels(figure)[2:4]] == ["contours: $V$", "dashed: at rest"]
    dashed = [part for part in panels(figure)[0].collections if isinstance(part, ContourSet)][-1]
    assert dashed.levels == pytest.approx(share_levels(rest, (0.9, 0.5)), rel=1e-14)


def test_regressions_show_their_fit_on_every_domain():
    for kind in ("circle, data", "box, 3-D", "surface"):
        shown, figure = seen(kind)
        fit, data = panel(figure, "learned function"), shown.dataset
        x, y = fit.get_lines()[-1].get_data()
        expected = data.in_units(shown.trajectory.predict(data.scaled(x[:, None]), -1, raw=True))
        np.testing.assert_allclose(y, expected, rtol=1e-13, atol=1e-13)
        assert len(fit.collections[0].get_offsets()) == len(data.targets)


def test_margins_lie_below_their_upper_bounds():
    shown, figure = seen("classifier")
    trajectory, data = shown.trajectory, shown.dataset
    chosen, values = margins(shown)
    np.testing.assert_allclose(values, trajectory.fields["margin"][chosen], rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(upper_bounds(shown)[1], -trajectory.min_potential)
    gamma = wgflow.variation_margin(data.inputs, data.targets).margin
    assert largest_margin(shown) == pytest.approx(gamma, rel=1e-3)
    assert curve(panel(figure, "Margin"), r"$\gamma_1$").get_ydata()[0] == largest_margin(shown)
    assert ends(panel(figure, "mass")) == [readable(trajectory.fields["log_mass"][-1])]
    assert panels(figure)[0].get_title(loc="left").endswith("$h = 0$")


def test_any_weights_of_the_data_bound_the_margin():
    settings = ["domain.cells=42", "solver.kind=finite_volume", "solver.t_end=2", "output.snapshots=3"]
    problem = wgflow.open_problem("clusters", [*settings, "output.spacing=linear"])
    shown = Shown(wgflow.run(problem), problem)
    data, trajectory = problem.dataset, shown.trajectory
    chosen, bounds = upper_bounds(shown)
    weights = np.exp(-data.targets * trajectory.predict(data.inputs, -1, raw=True))  # of the softmin
    weights /= weights.sum()
    at_cells = np.maximum(data.inputs @ trajectory.domain.base.points.T, 0.0).T @ (weights * data.targets)
    assert chosen.tolist() == [0, 1, 2]
    assert np.abs(at_cells).max() <= bounds[-1] <= 1.2 * np.abs(at_cells).max()
    assert bounds[-1] == pytest.approx(-trajectory.min_potential[-1], rel=0.2)
    assert bounds.min() >= wgflow.variation_margin(data.inputs, data.targets).margin


def test_errors_of_spikes_are_those_of_the_mass_around_them():
    shown, figure = seen("deconvolution")
    places, weights = spike_errors(shown)
    np.testing.assert_array_equal(curve(panel(figure, "Errors"), "positions").get_ydata(), places)
    np.testing.assert_array_equal(curve(panel(figure, "Errors"), "weights (relative)").get_ydata(), weights)
    wanted = shown.problem.spikes
    moved = np.array([0.02, 0.0, -0.05, 0.0])
    angles = np.arctan2(wanted.points[:, 1], wanted.points[:, 0]) + moved
    position = np.stack([np.cos(angles), np.sin(angles)], axis=1)[None]
    exact = {"position": position, "weight": wanted.weights[None] * np.array([[1.0, 1.1, 1.0, 0.7]])}
    scalars = {name: values[:1] for name, values in shown.trajectory.scalars.items()}
    trajectory = wgflow.Trajectory(np.zeros(1), scalars, exact, shown.trajectory.domain, wanted.signs)
    found = spike_errors(Shown(trajectory, shown.problem))
    assert np.concatenate(found) == pytest.approx([0.05, 0.3], rel=1e-12)


LINE = Box([(-1.0, 1.0)], 16, periodic=True)
BUMP = 1.0 + 0.5 * np.cos(np.pi * LINE.axes[0])


def gaussian(z):
    return np.exp(-2.0 * (z**2).sum(axis=-1))


@pytest.mark.parametrize(
    ("energy", "domain", "rest"),
    [
        (Entropy(0.5), LINE, np.ones(16)),
        (PowerEnergy(2.0) + Potential(lambda x: 0.0 * x[..., 0]), LINE, np.ones(16)),
        (SobolevDiscrepancy(BUMP, 1.0), LINE, BUMP),
        (Entropy() + Entropy(), LINE, None),
        (Entropy(), wgflow.Signed(LINE), None),
    ],
)
def test_densities_at_rest(energy, domain, rest):
    trajectory = wgflow.solve(energy, domain, lambda x: 1.0 + 0.1 * np.sin(np.pi * x[..., 0]), 1e-3, times=[])
    found = rest_density(Shown(trajectory))
    assert (found is None) == (rest is None)
    if rest is not None:
        np.testing.assert_allclose(found, rest, rtol=1e-10)
        assert least_energy(Shown(trajectory)) <= trajectory.energy[-1]


def test_samples_of_a_target_are_shown_behind_particles():
    samples = Particles([[0.0, 0.0], [1.0, 0.5]], [0.5, 0.5])
    kernel = Interaction(gaussian, gradient=lambda z: -4.0 * z * gaussian(z)[..., None])
    start = Particles([[0.2, 0.1], [0.4, 0.9], [0.5, 0.5]], np.full(3, 1.0 / 3.0), domain=Space(2))
    shown = Shown(wgflow.simulate(KernelDiscrepancy(kernel, samples), start, 0.2, times=[0.1]))
    assert target_samples(shown) is samples
    figure = drawn(shown)
    crosses = [part.get_offsets().tolist() for part in panels(figure)[0].collections if hasattr(part, "get_sizes")]
    assert samples.points.tolist() in crosses
    assert [(axes.get_ylabel(), axes.get_yscale()) for axes in panels(figure)[1:]] == [ENERGY, DISSIPATION]


def test_kinds_of_runs_have_their_own_names():
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    assert all(isinstance(kind, RunKind) for kind in KINDS)


@pytest.mark.parametrize(
    ("value", "text"),
    [(18.04, "$18.0$"), (0.0, "$0.00$"), (5e-5, r"$5.00 \times 10^{-5}$"), (123456.0, r"$1.23 \times 10^{5}$")],
)
def test_values_are_written_with_three_digits(value, text):
    assert readable(value) == text


@pytest.mark.parametrize("named", [name for name in vars(labels) if name.endswith("_LABELS")])
def test_symbols_of_labels_can_be_drawn(named):
    parser = MathTextParser("agg")
    for label in vars(vars(labels)[named]).values():
        if isinstance(label, labels.Label) and label.symbol:
            parser.parse(f"${label.symbol}$")
