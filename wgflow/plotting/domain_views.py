"""Pictures of densities and of particles on each kind of domain.

Boxes show their axes, spheres the equal-area projection of Mollweide, and domains that are not known here the first two
coordinates of the chart of their geometry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import combinations
from typing import Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.patches import Circle as Disk
from matplotlib.patheffects import withStroke

from wgflow.dispatch import DomainTable
from wgflow.domains import Box, Circle, Domain, HalfSphere, Hypersphere, Space, Sphere
from wgflow.domains.base import UnsignedDomain
from wgflow.domains.geometry import Geometry
from wgflow.domains.sphere import longitude_latitude
from wgflow.plotting.style import DENSITY_MAP, GREY
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray, IntArray

BOX_HEIGHT, SPHERE_HEIGHT, SPACE_HEIGHT = 3.0, 2.0, 2.1  # inches, of a row
LATITUDES, LONGITUDES = 181, 361  # points of a map of the sphere
DOTS_AREA, LARGEST_DOT = 1.6e4, 60.0  # of all cells that are drawn as dots, and of one of them, in square points
UNEQUAL = 4.0  # axes whose lengths differ by more have no common scale
GLOBE = "mollweide"
MERIDIANS, PARALLELS, POLE_SIZE = 60.0, 30.0, 9.0  # degrees between the lines of a graticule; points
POLES = ((0.0, 0.0), (0.5 * np.pi, 0.0), (0.0, 0.47 * np.pi))  # where the axes of components meet the sphere
DISK_PIXELS, DISK_LABELS = 241, (r"$u_1 \cdot \eta$", r"$u_2 \cdot \eta$")  # of a half sphere from above
CHART_LABELS = ("chart coordinate 1", "chart coordinate 2")
CHART_JUMP = np.pi  # between two outputs, which a path in a chart crosses at its edge: half a turn


@dataclass(frozen=True)
class MapView:
    """A picture of a density: what it shows, and where.

    Parameters
    ----------
    image : callable
        From a density, shape ``domain.shape``, to the values of the picture, rows from bottom to top.
    x, y : array
        Edges of the columns and rows; on the sphere their longitudes and latitudes, in a chart those of the dots.
    labels : pair of str
        What is written beside the axes.
    project : callable
        From points (k, p) to their places in the picture, (k, 2).
    draw : callable
        Draws values in such a picture; the artist that it gives has ``set_array`` for others.
    quantity : str
        What the colours show.
    height : float
        Of a row of such pictures, in inches.
    projection : str
        The projection of matplotlib, if not the usual one.
    names : tuple of str
        Symbols of the components, which maps of the sphere show where their axes meet it.
    flat : bool
        Whether it shows two axes of a box.
    """

    image: Callable[[FloatArray], FloatArray]
    x: FloatArray
    y: FloatArray
    labels: tuple[str, str]
    project: Callable[[FloatArray], FloatArray]
    draw: Callable[[Axes, MapView, FloatArray, Normalize], Any]
    quantity: str = "density"
    height: float = BOX_HEIGHT
    projection: str = ""
    names: tuple[str, ...] = ()
    flat: bool = False

    @property
    def axes_keywords(self) -> dict[str, Any]:
        """Keywords that make the axes of the picture."""
        return {"projection": self.projection} if self.projection else {}

    def paint(self, axes: Axes, density: FloatArray, scale: Normalize) -> Any:
        """Draw the density; the artist has ``set_array`` for another one."""
        values = self.values(density, scale)
        axes.set_xlabel(self.labels[0])
        axes.set_ylabel(self.labels[1])
        return self.draw(axes, self, values, scale)

    def values(self, density: FloatArray, scale: Normalize) -> FloatArray:
        """Values of the picture, those below the scale raised to its lowest colour."""
        return np.maximum(self.image(density), scale.vmin or 0.0)


def _draw_image(axes: Axes, view: MapView, values: FloatArray, scale: Normalize) -> Any:
    extent = (view.x[0], view.x[-1], view.y[0], view.y[-1])
    return axes.imshow(values, origin="lower", extent=extent, cmap=DENSITY_MAP, norm=scale)


def _draw_globe(axes: Axes, view: MapView, values: FloatArray, scale: Normalize) -> Any:
    draw_graticule(axes, view.names)
    return axes.pcolormesh(view.x, view.y, values, cmap=DENSITY_MAP, norm=scale, rasterized=True)


def draw_graticule(axes: Axes, names: Sequence[str] = ()) -> None:
    """Meridians and parallels of a map of the sphere, and where the axes of its components meet it."""
    globe = cast("Any", axes)
    globe.set_longitude_grid(MERIDIANS)
    globe.set_latitude_grid(PARALLELS)
    axes.set_axisbelow(False)
    axes.grid(color=GREY, linewidth=0.3, alpha=0.7)
    axes.tick_params(labelbottom=False, labelleft=False)
    halo = withStroke(linewidth=2.2, foreground="white")
    for (longitude, latitude), name in zip(POLES, names, strict=False):
        beyond = longitude + (-1.0 if longitude > 0.0 else 0.98) * np.pi
        opposite = (longitude, -latitude) if latitude else (beyond, 0.0)
        for place, text in (((longitude, latitude), name), (opposite, f"$-{name.strip('$')}$")):
            look: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": POLE_SIZE, "path_effects": [halo]}
            axes.text(*place, text, zorder=5, clip_on=False, **look)


def _draw_dots(axes: Axes, view: MapView, values: FloatArray, scale: Normalize) -> Any:
    width, height = np.ptp(view.x), np.ptp(view.y)
    if max(width, height) <= UNEQUAL * min(width, height):
        axes.set_aspect("equal")
    area = min(DOTS_AREA / values.size, LARGEST_DOT)
    return axes.scatter(view.x, view.y, c=values, s=area, cmap=DENSITY_MAP, norm=scale, linewidths=0, rasterized=True)


def box_views(box: Box, names: Sequence[str]) -> list[MapView]:
    """The density in the plane, the three marginals on two axes in space; none on an interval."""
    if len(box.shape) == 1:
        return []

    def marginal(density: FloatArray, axis: int) -> FloatArray:
        return cast("FloatArray", density.sum(axis=axis) * box.spacing[axis])

    pairs = combinations(range(len(box.shape)), 2)
    if len(box.shape) == 2:
        return [_box_view(box, pair, names, marginal) for pair in pairs]
    quantity = "marginal density"
    return [replace(_box_view(box, pair, names, marginal), quantity=quantity, height=SPACE_HEIGHT) for pair in pairs]


def _box_view(
    box: Box, pair: tuple[int, int], names: Sequence[str], reduce: Callable[[FloatArray, int], FloatArray]
) -> MapView:
    """Picture of two axes of a box; a third one is reduced."""
    rest = [axis for axis in range(len(box.shape)) if axis not in pair]

    def image(density: FloatArray) -> FloatArray:
        return (reduce(density, rest[0]) if rest else density).T

    x, y = (np.linspace(*box.bounds[axis], box.shape[axis] + 1) for axis in pair)
    labels = names[pair[0]], names[pair[1]]
    return MapView(image, x, y, labels, lambda points: points[..., list(pair)], _draw_image, flat=True)


def globe_views(sphere: Sphere, names: Sequence[str]) -> list[MapView]:
    """The map of a sphere."""
    longitude, latitude = np.linspace(-np.pi, np.pi, LONGITUDES), np.linspace(-0.5 * np.pi, 0.5 * np.pi, LATITUDES)

    @cache
    def cells() -> IntArray:
        return nearest_cells(sphere, longitude, latitude)

    def image(density: FloatArray) -> FloatArray:
        return density[cells()]

    look: dict[str, Any] = {"height": SPHERE_HEIGHT, "projection": GLOBE, "names": tuple(names)}
    return [MapView(image, longitude, latitude, ("", ""), longitude_latitude, _draw_globe, **look)]


def nearest_cells(sphere: Sphere, longitude: FloatArray, latitude: FloatArray) -> IntArray:
    """Cell that holds each point of a grid of longitudes and latitudes, shape (latitudes, longitudes)."""
    from scipy.spatial import KDTree

    east, north = np.meshgrid(longitude, latitude)
    points = np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=-1)
    return cast("IntArray", KDTree(sphere.points).query(points)[1])


def chart_views(base: UnsignedDomain, _: Sequence[str]) -> list[MapView]:
    """The density as colours of the cell centres in the chart; none where that has one coordinate."""
    if base.geometry.dimension < 2:
        return []
    project = partial(in_chart, base.geometry)
    x, y = project(base.points.reshape(-1, base.geometry.components)).T
    return [MapView(np.ravel, x, y, CHART_LABELS, project, _draw_dots)]


def in_chart(geometry: Geometry, points: FloatArray) -> FloatArray:
    """First two coordinates of points (..., p) in the chart of a geometry, shape (..., 2)."""
    flat = points.reshape(-1, points.shape[-1])
    return geometry.chart(flat)[:, :2].reshape(*points.shape[:-1], 2)


def _none(_: Any, __: Any) -> list[Any]:
    return []


def half_sphere_views(half: HalfSphere, _: Sequence[str]) -> list[MapView]:
    """The half sphere from above: a disk of the components along its directions, whose rim is the target's plane."""
    edges = np.linspace(-1.0, 1.0, DISK_PIXELS + 1)
    first, second = np.meshgrid(*(0.5 * (edges[1:] + edges[:-1]),) * 2)
    square = first**2 + second**2

    @cache
    def cells() -> IntArray:
        points = np.stack([first, second, np.sqrt(np.maximum(1.0 - square, 0.0))], axis=-1)
        return half.cells_at(points.reshape(-1, 3)).reshape(first.shape)

    def image(density: FloatArray) -> FloatArray:
        return np.where(square <= 1.0, density[cells()], 0.0)

    return [MapView(image, edges, edges, DISK_LABELS, lambda points: points[..., :2], _draw_disk)]


def _draw_disk(axes: Axes, view: MapView, values: FloatArray, scale: Normalize) -> Any:
    """Draw the pixels within the rim."""
    picture = _draw_image(axes, view, values, scale)
    picture.set_clip_path(Disk((0.0, 0.0), 1.0, transform=axes.transData))
    return picture


Pictures = Callable[[Any, Sequence[str]], list[MapView]]
MAPS = DomainTable[Pictures](
    "a map of a density",
    {Box: box_views, Circle: _none, Sphere: globe_views, HalfSphere: half_sphere_views, object: chart_views},
)


@dataclass(frozen=True)
class View:
    """A picture of points: two of their coordinates.

    Parameters
    ----------
    axes : pair of int
        Coordinates that are drawn.
    labels : pair of str
        What is written beside them.
    coordinates : callable, optional
        From points (..., p) to the coordinates; by default the components.
    longest : pair of float
        Steps along each axis of the picture that go across its edge.
    projection : str
        The projection of matplotlib, if not the usual one.
    names : tuple of str
        Symbols of the components, which maps of the sphere show where their axes meet it.
    """

    axes: tuple[int, int]
    labels: tuple[str, str]
    coordinates: Callable[[FloatArray], FloatArray] | None = None
    longest: tuple[float, float] = (np.inf, np.inf)
    projection: str = ""
    names: tuple[str, ...] = ()

    @property
    def axes_keywords(self) -> dict[str, Any]:
        """Keywords that make the axes of the picture."""
        return {"projection": self.projection} if self.projection else {}

    def places(self, trajectory: Trajectory, shown: IntArray, chosen: IntArray) -> FloatArray:
        """Give places of some particles at some outputs in the picture, shape (k, m, 2)."""
        return self.project(trajectory.position[np.ix_(shown, chosen)])

    def project(self, points: FloatArray) -> FloatArray:
        """Points (..., p) in the plane of the picture, (..., 2)."""
        coordinates = points if self.coordinates is None else self.coordinates(points)
        return coordinates[..., list(self.axes)]


def point_views(components: int, names: Sequence[str]) -> list[View]:
    """Pairs of the components of points in two or three dimensions."""
    if components not in (2, 3):
        return []
    return [View(pair, (names[pair[0]], names[pair[1]])) for pair in combinations(range(components), 2)]


def globe_view(names: Sequence[str] = ()) -> View:
    """Unit vectors of three components on the map of the sphere."""
    return View((0, 1), ("", ""), longitude_latitude, (np.pi, np.inf), GLOBE, tuple(names))


def _points_of_box(box: Box, names: Sequence[str]) -> list[View]:
    """Those beyond the ends of periodic axes are put back."""
    views = point_views(len(box.shape), names)
    if not any(box.periodic):
        return views
    crossing = [
        0.5 * (high - low) if closed else np.inf for (low, high), closed in zip(box.bounds, box.periodic, strict=True)
    ]
    return [
        replace(view, coordinates=box.geometry.wrap, longest=(crossing[view.axes[0]], crossing[view.axes[1]]))
        for view in views
    ]


def _points_of_sphere(sphere: UnsignedDomain, names: Sequence[str]) -> list[View]:
    components = sphere.geometry.components
    return [globe_view(names)] if components == 3 else point_views(components, names)


def _points_in_chart(base: UnsignedDomain, _: Sequence[str]) -> list[View]:
    """Two coordinates of the chart; none where that has one."""
    if base.geometry.dimension < 2:
        return []
    return [View((0, 1), CHART_LABELS, partial(in_chart, base.geometry), (CHART_JUMP, CHART_JUMP))]


PARTICLE_MAPS = DomainTable[Callable[[Any, Sequence[str]], list[View]]](
    "a picture of particles",
    {
        Box: _points_of_box,
        Space: lambda space, names: point_views(space.geometry.components, names),
        Circle: _points_of_sphere,
        Sphere: _points_of_sphere,
        Hypersphere: _points_of_sphere,
        object: _points_in_chart,
    },
)


def views_of_points(domain: Domain, names: Sequence[str]) -> list[View]:
    """Pictures of particles on a domain, whose components have names."""
    return PARTICLE_MAPS.on(domain)(domain.base, names)
