"""A domain of another package, from a run to its file, figures, exports and certificates, known by what it carries."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from tests.domains.torus import FlatTorus
from wgflow import Features, Mass, certify, draw_particles, find_optimum, find_spikes, load, simulate, solve
from wgflow.analysis.comparison import compare_trajectories
from wgflow.app.export import export
from wgflow.domains import kinds
from wgflow.errors import EstimateWarning, InputError
from wgflow.plotting.film_frames import make_film_figure
from wgflow.plotting.maps import map_views
from wgflow.plotting.particle_maps import ParticleMap, particle_map_views
from wgflow.runs.memory.domains import describe_grid

TORUS = FlatTorus((12, 8))
RISK = Features(lambda x: x[:, [0, 2]], [0.5, 0.2]) + Mass(0.05)


@pytest.fixture(scope="module")
def trajectory():
    return solve(RISK, TORUS, lambda x: 1.0 + 0.5 * x[..., 0], 0.2, times=[0.1])


@pytest.fixture(scope="module")
def cloud(trajectory):
    return simulate(RISK, draw_particles(TORUS, trajectory.density[0], 20, seed=0), 0.2, times=[0.1])


def test_it_is_kept_in_files_by_its_kind(monkeypatch, trajectory, tmp_path):
    monkeypatch.setattr(kinds, "DOMAINS", {**kinds.DOMAINS, TORUS.kind: FlatTorus})
    solve(RISK, TORUS, trajectory.density[0], 0.2, times=[0.1], output=tmp_path / "again.h5")
    read = load(tmp_path / "again.h5")
    assert (read.domain.kind, read.domain.cells) == (TORUS.kind, [12, 8])
    np.testing.assert_array_equal(read.density, trajectory.density)
    monkeypatch.setattr(FlatTorus, "volumes", property(lambda torus: np.full(torus.shape, 2.0 * torus.widths.prod())))
    with pytest.raises(InputError, match="its cells of the flat_torus are not those of this version"):
        load(tmp_path / "again.h5")


def test_densities_and_particles_are_drawn_in_the_chart(trajectory, cloud):
    [view] = map_views(trajectory)
    np.testing.assert_allclose(np.stack([view.x, view.y], axis=1), TORUS.angles, rtol=1e-12)
    [points] = particle_map_views(cloud, None)
    chart = TORUS.geometry.chart(cloud.position[-1])
    np.testing.assert_array_equal(points.project(cloud.position)[-1], chart)
    scene = make_film_figure(replace(trajectory, functional=None), None, np.arange(3))
    scene.show(1)
    dots = scene.figure.axes[0].collections[0]
    np.testing.assert_allclose(dots.get_offsets(), TORUS.angles, rtol=1e-12)
    np.testing.assert_array_equal(dots.get_array(), trajectory.density[1])


def test_paths_across_the_edge_of_the_chart_are_left_out(cloud):
    angles = np.array([[[0.1, 1.0]], [[6.2, 1.0]], [[6.0, 1.0]]])
    fields = {"position": TORUS.geometry.at(angles), "weight": np.ones((3, 1))}
    moved, axes = replace(cloud, fields=fields, sign=None), Figure().subplots()
    ParticleMap(axes, moved, particle_map_views(moved, None)[0], np.arange(3)).show(2)
    [lines] = [each for each in axes.collections if isinstance(each, LineCollection)]
    assert len(lines.get_segments()) == 1


def test_exports_hold_its_centres(trajectory, tmp_path):
    export(trajectory, tmp_path / "last.csv", -1)
    table = np.genfromtxt(tmp_path / "last.csv", delimiter=",", names=True)
    assert table.dtype.names == ("x0", "x1", "x2", "x3", "cell_volume", "density")
    np.testing.assert_array_equal(table["x3"], TORUS.points[:, 3])
    pytest.importorskip("pyevtk")
    export(trajectory, tmp_path / "last.pvd", -1)
    assert next((tmp_path / "last").iterdir()).suffix == ".vtu"


def test_certificates_descend_along_its_geometry():
    """V = -(x_0 + x_2) / 2 at the zero measure is least at the angles 0, between the cells."""
    toward = Features(lambda x: x[:, [0, 2]], [1.0, 1.0])
    found = certify(toward, TORUS, np.zeros(TORUS.shape))
    assert found.where == pytest.approx([1.0, 0.0, 0.5, 0.0], abs=1e-7)
    assert found.min_potential == pytest.approx(-0.75, abs=1e-14)
    assert not found.rigorous


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda _: find_optimum(RISK, TORUS), "sliding atoms is not available on the domain 'flat_torus'"),
        (lambda trajectory: find_spikes(trajectory.measure(0), TORUS, 0.3), "the domain is 'flat_torus'"),
    ],
)
def test_what_it_cannot_do_is_refused_by_its_name(trajectory, ask, said):
    with pytest.raises(InputError, match=said):
        ask(trajectory)


def test_errors_without_coarser_cells_are_not_resolved():
    with pytest.warns(EstimateWarning, match="the flat_torus has no coarser cells"):
        trajectory = solve(RISK, TORUS, np.ones(TORUS.shape), 0.1, times=[], estimate=True)
    assert np.isnan(trajectory.errors["risk"]).all()


def test_it_compares_and_its_memory_is_known(trajectory, cloud):
    columns = compare_trajectories(trajectory, cloud)[0]
    assert "kernel" in columns
    assert "W1" not in columns  # the shortest ways on it are not known
    assert "SW1" in columns
    grid = describe_grid(TORUS)
    assert (grid.dimension, grid.components, grid.is_lattice, grid.faces) == (2, 4, False, 3 * 96)
