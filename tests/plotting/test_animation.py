"""Films: what each frame shows, and what is left behind when something goes wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.collections import LineCollection, PathCollection, QuadMesh
from matplotlib.colors import to_rgba
from matplotlib.patches import StepPatch
from PIL import Image

import wgflow
from wgflow.flows.labels import FLOW_LABELS
from wgflow.plotting import animate_trajectory, animation, check_film
from wgflow.plotting.film_frames import frame_labels, make_film_figure
from wgflow.plotting.shown import Shown
from wgflow.plotting.style import paper_style, time_colors

SNAPSHOTS = 5
TIMES = np.linspace(0.0, 0.4, SNAPSHOTS)
TEACHER = {
    "problem": {
        "kind": "two_layer",
        "data": "gaussian_teacher",
        "teacher": {"angles": [0.5, 2.9], "weights": [1.0, -1.0]},
    },
    "domain": {"kind": "circle", "signed": True, "cells": 16},
    "solver": {"t_end": 0.4},
    "particles": {"count": 12},
    "output": {"snapshots": SNAPSHOTS},
}


def on_box(dimension, *, signed=False):
    box = wgflow.Box([(-2.0, 2.0), (-1.0, 2.0), (-1.0, 1.0)][:dimension], (6, 5, 4)[:dimension])
    domain = wgflow.Signed(box) if signed else box
    start = np.random.default_rng(dimension).random(domain.shape)
    return wgflow.solve(wgflow.Quadratic(0.5 * np.eye(dimension)), domain, start, 0.4, times=TIMES)


def on_sphere(*, signed=False):
    domain = wgflow.Signed(wgflow.Sphere(42)) if signed else wgflow.Sphere(42)
    return wgflow.solve(wgflow.Quadratic(np.diag([0.5, 0.1, 0.2])), domain, np.ones(domain.shape), 0.4, times=TIMES)


def cloud_on_the_sphere():
    sphere = wgflow.Sphere(42)
    start = wgflow.draw_particles(sphere, np.ones(42), count=8, seed=0)
    return wgflow.simulate(wgflow.Quadratic(np.diag([0.5, 0.1, 0.2])), start, 0.4, times=TIMES)


def scene_of(trajectory, problem=None):
    with paper_style():
        return make_film_figure(trajectory, problem, np.arange(len(trajectory.time)))


def show(scene, number):
    with paper_style():
        scene.show(number)
    return scene.figure


def artists(figure, kind):
    found = [part for axes in figure.axes for part in axes.get_children() if isinstance(part, kind)]
    return [part for part in found if part.axes.get_label() != "<colorbar>"]


def teacher_run(kind):
    problem = wgflow.open_problem({**TEACHER, "solver": {"kind": kind, "t_end": 0.4}})
    return wgflow.run(problem), problem


@pytest.fixture(scope="module")
def trajectory():
    return on_box(1)


@pytest.mark.parametrize("number", [3, 0, 4])
def test_lines_show_the_density_of_their_time(number):
    trajectory, problem = teacher_run("finite_volume")
    scene = scene_of(trajectory, problem)
    (axes, _, risk) = scene.figure.axes
    limits = axes.get_ylim(), axes.get_xlim(), risk.get_ylim()
    figure = show(scene, number)
    for sheet, step in enumerate(artists(figure, StepPatch)):
        np.testing.assert_array_equal(step.get_data().values, trajectory.density[number, sheet])
    assert (axes.get_ylim(), axes.get_xlim(), risk.get_ylim()) == limits
    assert axes.get_ylim()[1] > trajectory.density.max()
    dot = risk.get_lines()[-1]
    assert (dot.get_xdata()[0], dot.get_ydata()[0]) == (trajectory.time[number], trajectory.risk[number])
    assert figure.get_suptitle() == f"$t = {trajectory.time[number]:.3f}$"


def test_the_disk_shows_neurons_of_their_time():
    trajectory, problem = teacher_run("particles")
    figure = show(scene_of(trajectory, problem), 2)
    dots, paths = artists(figure, PathCollection), artists(figure, LineCollection)
    for part, lines, sign in zip(dots, paths, (1.0, -1.0), strict=True):
        chosen = trajectory.sign == sign
        size = 12 * trajectory.weight[2, chosen]
        np.testing.assert_allclose(
            part.get_offsets(), np.tanh(0.5 * size)[:, None] * trajectory.position[2, chosen], rtol=1e-14
        )
        assert len(lines.get_segments()) == 2 * chosen.sum()


def test_networks_of_many_inputs_show_the_layers_of_their_time():
    problem = wgflow.open_problem("network", ["particles.count=5", "solver.t_end=0.4", "output.snapshots=5"])
    trajectory = wgflow.run(problem)
    (dots,) = [part for part in artists(show(scene_of(trajectory, problem), 3), PathCollection) if part.zorder > 0]
    pairs = trajectory.position[3]
    np.testing.assert_allclose(
        dots.get_offsets(), np.stack([np.linalg.norm(pairs[:, 1:], axis=1), pairs[:, 0]], 1), rtol=1e-14
    )


def test_energies_are_called_so_and_have_a_linear_scale():
    """F may be of any sign: its dot stands where F is, to the last frame."""
    trajectory = free_energy()
    risk = show(scene_of(trajectory), SNAPSHOTS - 1).axes[-1]
    assert (risk.get_title(loc="left"), risk.get_ylabel()) == ("Energy", r"energy $F(\mu_t)$")
    assert risk.get_yscale() == "linear"
    (dot,) = [line for line in risk.get_lines() if line.get_marker() == "o"]
    assert dot.get_ydata()[0] == trajectory.energy[-1] < 0.0


def test_frames_have_the_colours_of_the_figure():
    """At the outputs that the figure of the run shows: of the density, the dot, and the learned function."""
    trajectory = free_energy()
    run = Shown(trajectory)
    colors = time_colors(len(run.times))
    scene = scene_of(trajectory)
    for index, color in zip(run.times, colors, strict=True):
        figure = show(scene, int(index))
        (step,) = artists(figure, StepPatch)
        (dot,) = [line for line in figure.axes[-1].get_lines() if line.get_marker() == "o"]
        np.testing.assert_allclose(to_rgba(step.get_edgecolor()), color, rtol=1e-12)
        np.testing.assert_allclose(to_rgba(dot.get_markerfacecolor()), color, rtol=1e-12)


def free_energy():
    line = wgflow.Box([(-2.0, 2.0)], 16)
    energy = wgflow.Entropy(1.0) + wgflow.Potential(lambda x: 0.5 * x[..., 0] ** 2)
    start = np.exp(-4.0 * (line.axes[0] - 1.0) ** 2)
    return wgflow.solve(energy, line, start, 0.4, times=TIMES, stepper="tr_bdf2")


@pytest.mark.parametrize("solver", ["finite_volume", "particles"])
def test_classifiers_show_their_regions(solver, monkeypatch):
    monkeypatch.setattr("wgflow.plotting.film_fits.RESOLUTION", 9)
    settings = ["domain.cells=42", "solver.t_end=4.0", "output.snapshots=3", f"solver.kind={solver}"]
    problem = wgflow.open_problem("penguins", [*settings, "particles.count=40"])
    trajectory, data = wgflow.run(problem), problem.dataset
    scene = scene_of(trajectory, problem)
    for number in (1, 2):
        regions = show(scene, number).axes[-2]
        wrong = int((data.targets * trajectory.predict(data.inputs, number, raw=True) <= 0.0).sum())
        assert regions.get_title(loc="left").endswith(f"{wrong} of 342 wrong")
        assert (regions.get_xlabel(), regions.get_ylabel()) == ("bill length", "bill depth")
        assert regions.images[0].get_array().shape == (9, 9)


@pytest.mark.parametrize("domain", ["sphere", "box", "particles"])
def test_every_regression_shows_its_fit(domain, tmp_path):
    """On the sphere and in the box of (a, b, c), and of particles: what `Trajectory.predict` says, in units."""
    x = np.linspace(3.0, 9.0, 7)
    np.savetxt(tmp_path / "waves.csv", np.column_stack([x, np.sin(x)]), delimiter=",", header="day,height", comments="")
    where = {"kind": "sphere", "cells": 42, "signed": False}
    if domain == "box":
        where = {"kind": "box", "bounds": [[-2.0, 2.0]] * 3, "shape": [6, 6, 6], "wall_limit": 1.0, "wall_warning": 1.0}
    problem = wgflow.open_problem(
        {
            "problem": {"kind": "two_layer", "dataset": {"path": str(tmp_path / "waves.csv")}},
            "domain": where,
            "solver": {"t_end": 0.1, "kind": "particles" if domain == "particles" else "finite_volume"},
            "particles": {"count": 12},
            "output": {"snapshots": 3},
        }
    )
    trajectory = wgflow.run(problem)
    fit = show(scene_of(trajectory, problem), 1).axes[-2]
    assert fit.get_title(loc="left") == "Data and learned function $h_t(x)$"
    (curve,) = fit.get_lines()
    data = problem.dataset
    predicted = data.in_units(trajectory.predict(data.scaled(curve.get_xdata()[:, None]), 1, raw=True))
    np.testing.assert_allclose(curve.get_ydata(), predicted, rtol=1e-14)
    np.testing.assert_allclose(fit.collections[0].get_offsets(), np.column_stack([x, np.sin(x)]), rtol=1e-12)


@pytest.mark.parametrize(("width", "columns"), [(10.0, 2), (6.0, 1)])
def test_narrow_films_are_one_column(width, columns):
    trajectory, problem = teacher_run("finite_volume")
    with paper_style():
        figure = make_film_figure(trajectory, problem, np.arange(SNAPSHOTS), width).figure
    assert figure.get_figwidth() == width
    beside = [axes.get_window_extent().x0 > 0.45 * figure.bbox.width for axes in figure.axes]
    assert beside == ([False, True, True] if columns == 2 else [False] * 3)


@pytest.mark.parametrize("signed", [False, True])
def test_maps_show_the_density_of_their_time(signed):
    trajectory = on_box(2, signed=signed)
    scene = scene_of(trajectory)
    images = [axes.images[0] for axes in scene.figure.axes if axes.images]
    assert len(images) == 1 + signed
    for number in (1, 4, 0):
        show(scene, number)
        density = trajectory.density[number].reshape(-1, 6, 5)
        for image, values in zip(images, density, strict=True):
            np.testing.assert_allclose(image.get_array(), values.T, rtol=1e-14)
            assert (image.norm.vmin, image.norm.vmax) == (0.0, trajectory.density.max())


def test_space_shows_the_marginals_of_their_time():
    trajectory = on_box(3)
    figure = show(scene_of(trajectory), 1)
    images = [axes.images[0] for axes in figure.axes if axes.images]
    for axis, image in zip((2, 1, 0), images, strict=True):
        marginal = trajectory.density[1].sum(axis=axis) * trajectory.domain.spacing[axis]
        np.testing.assert_allclose(image.get_array(), marginal.T, rtol=1e-14)


@pytest.mark.parametrize("signed", [False, True])
def test_the_sphere_shows_the_density_of_its_time(signed):
    trajectory = on_sphere(signed=signed)
    figure = show(scene_of(trajectory), 3)
    for mesh, density in zip(artists(figure, QuadMesh), trajectory.density[3].reshape(-1, 42), strict=True):
        assert mesh.get_array().max() == density.max()
        assert mesh.get_array().min() == density.min()


def test_regression_shows_the_function_of_its_time(tmp_path):
    x = np.linspace(3.0, 9.0, 12)
    table = np.column_stack([x, np.sin(x)])
    np.savetxt(tmp_path / "waves.csv", table, delimiter=",", header="day,height", comments="")
    problem = wgflow.open_problem(
        {
            "problem": {"kind": "two_layer", "dataset": {"path": str(tmp_path / "waves.csv")}},
            "domain": {"kind": "circle", "signed": True, "cells": 16},
            "solver": {"t_end": 2.0},
            "output": {"snapshots": 3},
        }
    )
    trajectory = wgflow.run(problem)
    figure = show(scene_of(trajectory, problem), 1)
    measure, upper, risk = figure.axes
    assert [axes.get_title(loc="left") for axes in (measure, risk)] == ["Density", "Risk"]
    (curve,) = upper.get_lines()
    points = trajectory.domain.base.points
    net = (trajectory.density[1, 0] - trajectory.density[1, 1]) * trajectory.domain.base.volumes
    data = problem.dataset
    inputs = np.stack([(curve.get_xdata() - data.input_shift) / data.input_scale, np.ones(401)], axis=1)
    expected = data.target_shift + data.target_scale * np.maximum(inputs @ points.T, 0.0) @ net
    np.testing.assert_allclose(curve.get_ydata(), expected, rtol=4.9e-13)
    assert (upper.get_xlabel(), upper.get_ylabel()) == ("day", "height")


@pytest.mark.parametrize("make", [lambda: on_box(1, signed=True), lambda: on_box(3), on_sphere, cloud_on_the_sphere])
def test_films_have_a_frame_for_each_output(tmp_path, make):
    trajectory, seen = make(), []
    path = animate_trajectory(trajectory, None, tmp_path / "film.gif", rate=10.0, progress=lambda *of: seen.append(of))
    with Image.open(path) as film:
        assert film.n_frames == len(trajectory.time)
        assert film.info["duration"] == 100
        assert film.convert("RGB").getpixel((2, film.height // 2)) == (255, 255, 255)
    assert seen == [(number, SNAPSHOTS) for number in range(1, SNAPSHOTS + 1)]
    assert [file.name for file in tmp_path.iterdir()] == ["film.gif"]


def test_many_outputs_are_thinned_evenly(trajectory, tmp_path, monkeypatch):
    shown = []
    make = make_film_figure
    monkeypatch.setattr(animation, "make_film_figure", lambda *of: shown.append(of[2]) or make(*of))
    with Image.open(animate_trajectory(trajectory, None, tmp_path / "film.gif", frames=3)) as film:
        assert film.n_frames == 3
    assert shown[0].tolist() == [0, 2, 4]


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_mp4_is_written_by_ffmpeg(trajectory, tmp_path):
    path = animate_trajectory(trajectory, None, tmp_path / "film.MP4", rate=5.0)
    assert path.read_bytes()[4:8] == b"ftyp"
    assert [file.name for file in tmp_path.iterdir()] == ["film.MP4"]


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a shell")
@pytest.mark.parametrize("reads", ["", "cat > /dev/null;"])
def test_what_ffmpeg_says_is_passed_on(trajectory, tmp_path, monkeypatch, reads):
    broken = tmp_path / "broken"
    broken.write_text(f"#!/bin/sh\n{reads} echo no such codec >&2; exit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(animation, "FFMPEG", str(broken))
    with pytest.raises(wgflow.ComputationError, match="ffmpeg failed with code 3: no such codec"):
        animate_trajectory(trajectory, None, tmp_path / "film.mp4")
    assert [file.name for file in tmp_path.iterdir()] == ["broken"]


def test_without_ffmpeg_the_way_out_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(animation, "FFMPEG", "no-such-ffmpeg")
    with pytest.raises(wgflow.InputError, match=r"needs ffmpeg.*install it, or choose an ending \.gif"):
        check_film(tmp_path / "film.mp4")


@pytest.mark.parametrize("ending", ["gif", "mp4"])
@pytest.mark.parametrize("stop", [KeyboardInterrupt, ValueError])
def test_a_film_that_is_stopped_leaves_the_earlier_one(trajectory, tmp_path, ending, stop):
    if ending == "mp4" and shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    path = tmp_path / f"film.{ending}"
    path.write_bytes(b"earlier")

    def interrupt(done, _total):
        if done == 2:
            raise stop

    with pytest.raises(stop):
        animate_trajectory(trajectory, None, path, progress=interrupt)
    assert path.read_bytes() == b"earlier"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_full_disk_is_an_error_of_one_line(trajectory, tmp_path, monkeypatch):
    def full(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(wgflow.ComputationError, match=r"film\.gif could not be written: No space left on device"):
        animate_trajectory(trajectory, None, tmp_path / "film.gif")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("film.avi", {}, r"the ending '\.avi'; allowed are \.gif, \.mp4"),
        ("film", {}, r"no ending; allowed are \.gif, \.mp4"),
        ("film.gif", {"frames": 0}, "frames = 0 is not allowed"),
        ("film.gif", {"rate": 0.0}, "rate = 0 frames per second is not allowed"),
        ("film.gif", {"rate": float("nan")}, "rate = nan"),
        ("film.gif", {"rate": 51.0}, "at most 50"),
        ("nowhere/film.gif", {}, "does not exist"),
        ("folder.gif", {}, "is a folder"),
    ],
)
def test_what_is_not_allowed_is_said_before_any_work(tmp_path, name, options, message):
    (tmp_path / "folder.gif").mkdir()
    with pytest.raises(wgflow.InputError, match=message):
        check_film(tmp_path / name, **options)


def test_files_that_cannot_be_written_are_errors(tmp_path, monkeypatch):
    path = tmp_path / "film.gif"
    path.write_bytes(b"earlier")
    monkeypatch.setattr(os, "access", lambda place, mode: mode != os.W_OK or place != path)
    with pytest.raises(wgflow.InputError, match="permission denied"):
        check_film(path)


def test_a_measure_without_a_picture_is_an_error(tmp_path):
    start = wgflow.Particles(np.eye(4), np.ones(4), np.ones(4), wgflow.Hypersphere(4))
    trajectory = wgflow.simulate(wgflow.Quadratic(np.eye(4)), start, 0.2, times=[0.1])
    with pytest.raises(wgflow.InputError, match="one to three dimensions"):
        animate_trajectory(trajectory, None, tmp_path / "film.gif")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("time", "labels"),
    [
        ([0.0, 0.25, 0.5], ["$t = 0.000$", "$t = 0.250$", "$t = 0.500$"]),
        ([0.0, 7.0, 20.0], ["$t = 0.0$", "$t = 7.0$", "$t = 20.0$"]),
        ([0.0, 500.0], ["$t = 0$", "$t = 500$"]),
    ],
)
def test_digits_of_the_time_stand_still(time, labels):
    assert frame_labels(np.array(time), FLOW_LABELS.time) == labels


def test_pyplot_is_not_imported_for_films():
    code = "import sys, wgflow.plotting.animation; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_colours_of_a_film_include_exact_white_and_black():
    palette = animation._palette(np.full((4, 4, 3), 128, dtype=np.uint8))
    table = animation._nearest_colors(palette)
    for level, corner in ((255, 63), (0, 0)):
        assert palette[table[corner, corner, corner]].tolist() == [level] * 3
    assert palette[table[32, 32, 32]].tolist() == [128] * 3
