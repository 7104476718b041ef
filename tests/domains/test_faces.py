"""Faces against the Laplacian of functions that are known."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow.domains import Box, Circle, Signed, Space, Sphere
from wgflow.domains.faces import list_faces
from wgflow.errors import InputError


def laplacian(domain, values):
    faces, flat = list_faces(domain), values.ravel()
    first, second = faces.cells.T
    flux = faces.conductance * (flat[second] - flat[first])
    total = np.bincount(first, flux, flat.size) - np.bincount(second, flux, flat.size)
    return total.reshape(domain.shape) / domain.volumes


@pytest.mark.parametrize(("domain", "count"), [(Circle(9), 9), (Signed(Circle(9)), 18), (Sphere(42), 120)])
def test_every_face_occurs_once(domain, count):
    cells = np.sort(list_faces(domain).cells, axis=1)
    assert len(np.unique(cells, axis=0)) == len(cells) == count


def test_box_faces_stop_at_walls_and_pass_seams():
    box = Box([[0.0, 1.0], [0.0, 2.0], [-1.0, 1.0]], (4, 5, 6), periodic=[True, False, False])
    assert len(list_faces(box).cells) == 4 * 5 * 6 + 4 * 4 * 6 + 4 * 5 * 5
    square = (box.points**2).sum(axis=-1)
    assert laplacian(box, square)[1:-1, 1:-1, 1:-1] == pytest.approx(6.0, rel=1e-12)
    wave = np.cos(2.0 * np.pi * box.points[..., 0])
    assert laplacian(box, wave) == pytest.approx(-32.0 * wave, rel=1e-12, abs=1e-12)  # (2 sin(pi/4) / h)^2


def test_the_laplacian_on_circle_and_sphere_has_its_eigenvalues():
    circle, sphere = Circle(200), Sphere(2562)
    wave = np.sin(3.0 * circle.angles)
    assert abs(laplacian(circle, wave) + 9.0 * wave).max() < 9.0 * 1e-3
    z = sphere.points[:, 2]
    change = laplacian(sphere, z)
    assert (change * z * sphere.volumes).sum() / (z * z * sphere.volumes).sum() == pytest.approx(-2.0, rel=1e-3)


def test_domains_without_cells_have_no_faces():
    with pytest.raises(InputError, match="no cells"):
        list_faces(Space(3))
