"""The sphere: cells, faces and the quality of the mesh."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow.domains import Signed, Sphere, diamonds, make_domain, mesh_cache
from wgflow.domains.icosphere import build_mesh, icosahedron, triangle_areas
from wgflow.domains.mesh_cache import cached_mesh
from wgflow.domains.rings import in_rings, ring_order
from wgflow.domains.sphere import tangent_coordinates
from wgflow.errors import InputError


def test_the_icosahedron_is_regular():
    corners, triangles = icosahedron()
    assert corners.shape == (12, 3)
    assert triangles.shape == (20, 3)
    areas = triangle_areas(*(corners[triangles[:, k]] for k in range(3)))
    np.testing.assert_allclose(areas, 4.0 * np.pi / 20.0, rtol=1e-14)


def test_area_of_an_octant():
    assert triangle_areas(*np.eye(3)) == pytest.approx(0.5 * np.pi, rel=1e-15)


@pytest.mark.parametrize(("wanted", "cells"), [(1, 12), (12, 12), (13, 42), (2500, 2562), (2562, 2562)])
def test_the_next_number_of_cells_is_taken(wanted, cells):
    sphere = Sphere(wanted)
    assert sphere.cells == cells
    assert sphere.points.shape == (cells, 3)
    assert sphere == make_domain("sphere", **sphere.parameters)


@pytest.mark.parametrize("cells", [0, -3, 3_000_000, 2.5, True])
def test_what_is_refused(cells):
    with pytest.raises(InputError, match="cells"):
        Sphere(cells)


@pytest.mark.parametrize("cells", [12, 642, 2562])
def test_cells_tile_the_sphere(cells):
    sphere = Sphere(cells)
    np.testing.assert_allclose(np.linalg.norm(sphere.points, axis=1), 1.0, rtol=1e-14)
    assert sphere.volumes.sum() == pytest.approx(4.0 * np.pi, rel=1e-13)
    assert Signed(sphere).volumes.sum() == pytest.approx(8.0 * np.pi, rel=1e-13)
    faces = (sphere.mesh.lengths > 0.0).sum(axis=1)
    assert (faces == 5).sum() == 12
    assert (faces == 6).sum() == cells - 12


def test_faces_belong_to_two_cells():
    mesh = Sphere(642).mesh
    cell, face = np.nonzero(mesh.lengths)
    other, back = mesh.neighbours[cell, face], mesh.opposite[cell, face]
    np.testing.assert_array_equal(mesh.neighbours[other, back], cell)
    np.testing.assert_array_equal(mesh.lengths[other, back], mesh.lengths[cell, face])
    np.testing.assert_array_equal(mesh.midpoints[other, back], mesh.midpoints[cell, face])
    # Corners and middle of a face are at equal distance from both centres: faces are orthogonal to segments.
    reach = [np.einsum("ij,ij->i", mesh.points[k], mesh.midpoints[cell, face]) for k in (cell, other)]
    np.testing.assert_allclose(reach[0], reach[1], atol=1e-14, rtol=1e-14)


@pytest.mark.parametrize("level", [0, 1, 3])
def test_cells_of_diamonds_have_their_neighbours_around_them(level):
    """Neighbours follow from the numbers of cells alone; the mesh, which is made of triangles, has the same."""
    n, mesh = 2**level, build_mesh(level)
    near = diamonds.neighbours(n)
    for cell, (around, known) in enumerate(zip(near, mesh.neighbours, strict=True)):
        assert set(around) == set(known)
        sides = around[around != cell]
        ahead = mesh.points[sides]
        turns = np.cross(ahead, np.roll(ahead, -1, axis=0)) @ mesh.points[cell]
        assert (turns > 0.0).all(), "counter-clockwise"
    inner = [cell for cell in range(1, n * n) if cell % n not in (0, n - 1) and cell // n not in (0, n - 1)]
    steps = np.array([1, n + 1, n, -1, -n - 1, -n])
    np.testing.assert_array_equal(near[inner], np.array(inner, dtype=int)[:, None] + steps)


@pytest.mark.parametrize("level", [1, 3])
def test_lines_go_on_across_seams(level):
    """Two steps in one direction and one back are one step, where directions turn too."""
    n = 2**level
    near, span = diamonds.neighbours(n), np.arange(n)
    for place, (i, j) in enumerate(diamonds.DIRECTIONS):
        here = diamonds.lattice(n, span, span).cells
        ahead, turns = diamonds.lattice(n, span + i, span + j)
        known = (near[:, -1] != np.arange(len(near)))[ahead]  # no corner
        back = near[ahead, (place + 3 + turns) % 6]
        np.testing.assert_array_equal(back[known], here[known])


@pytest.mark.parametrize("level", [1, 3])
def test_rings_hold_the_same_mesh(level):
    mesh = build_mesh(level)
    rings, order = in_rings(mesh, level), ring_order(level)
    np.testing.assert_array_equal(rings.points, mesh.points[order])
    np.testing.assert_allclose(rings.volumes, mesh.volumes[order], rtol=1e-13)
    cells = len(order)
    assert abs(rings.neighbours - np.arange(cells)[:, None]).max() < 2.0 * np.sqrt(cells)


def test_the_divergence_theorem_holds_on_cells():
    """A constant flux field has no divergence: lengths times outward normals add to the mean curvature vector only."""
    errors = []
    for cells in (642, 2562):
        sphere = Sphere(cells)
        mesh = sphere.mesh
        outward = tangent_coordinates(mesh.points, mesh.points[mesh.neighbours])
        size = np.linalg.norm(outward, axis=-1, keepdims=True)
        normals = np.divide(outward, size, out=np.zeros_like(outward), where=size > 0.0)
        defect = np.linalg.norm((mesh.lengths[..., None] * normals).sum(axis=1), axis=1)
        errors.append(defect.max() / mesh.lengths.max())
    assert errors[0] < 3.3e-4
    assert errors[1] < 0.6 * errors[0]


@pytest.mark.parametrize("cells", [642, 2562])
def test_relaxed_meshes_are_good(cells):
    quality = Sphere(cells).quality()
    assert quality["area_ratio"] < 1.4
    assert quality["centroid_offset"] < 0.0063
    assert quality["face_offset"] < 0.06


def test_averages_integrate_polynomials():
    """The integral of x^2 over the sphere is 4 pi / 3, that of x^4 is 4 pi / 5; second order at least."""
    for power, exact in ((2, 4.0 * np.pi / 3.0), (4, 4.0 * np.pi / 5.0)):
        errors = []
        for cells in (162, 642, 2562):
            sphere = Sphere(cells)
            found = (sphere.averages(lambda x, p=power: x[..., 0] ** p) * sphere.volumes).sum()
            errors.append(abs(found - exact))
        assert errors[-1] < 1e-14
        assert errors[-1] < 0.3 * errors[-2] + 1e-12


def test_tangent_coordinates_keep_distances():
    sphere = Sphere(162)
    flat = tangent_coordinates(sphere.points, sphere.points[sphere.mesh.neighbours])
    here = sphere.mesh.lengths > 0.0
    np.testing.assert_allclose(np.linalg.norm(flat, axis=-1)[here], sphere.mesh.distances[here], rtol=1e-12)


def test_large_meshes_are_kept_on_disk(tmp_path, monkeypatch):
    built = []
    monkeypatch.setattr(mesh_cache, "cache_folder", lambda: str(tmp_path))
    monkeypatch.setattr(mesh_cache, "SMALLEST_CACHED_LEVEL", 2)
    monkeypatch.setattr(mesh_cache, "build_mesh", lambda level: built.append(level) or build_mesh(level))
    first, second = cached_mesh(2), cached_mesh(2)
    assert built == [2]
    np.testing.assert_array_equal(first.midpoints, second.midpoints)
    (file,) = (tmp_path / "meshes").iterdir()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
    np.testing.assert_array_equal(cached_mesh(2).midpoints, first.midpoints)
    assert built == [2, 2], "a damaged file must not be used"
