"""The finite-volume scheme on half spheres: that of the whole sphere, of data that are even in the last coordinate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wgflow.domains import Domain, Signed, Sphere
from wgflow.typing import FloatArray, IntArray
from wgflow.upwind.kernels.even import gather, gather_means
from wgflow.upwind.scheme import Combination, SpaceScheme, Stage, StageWatch
from wgflow.upwind.sphere import MidpointScheme, SphereScheme


class HalfSphereScheme(SpaceScheme):
    """The scheme of the sphere on half spheres and signed half spheres.

    Densities and potentials are continued to the mirror images of cells, where the sphere's scheme does the same in
    mirror image; between a cell and its own image there is no difference of J, so that nothing passes the equator. In
    rows of diamonds twice the cells cost less than half of them one by one.

    Parameters
    ----------
    domain : Domain
        A half sphere or signed half sphere.
    transport, reaction : float
        The factors alpha and beta.
    limiter : int
        One of the limiters of `wgflow.upwind.kernels.limiters`.
    """

    whole: Callable[[Domain, float, float, int], SpaceScheme] = SphereScheme

    def __init__(self, domain: Domain, transport: float, reaction: float, limiter: int) -> None:
        super().__init__(domain)
        half: Any = domain.base
        sphere = Sphere(half.cells)
        self._scheme = self.whole(Signed(sphere) if domain.sheets > 1 else sphere, transport, reaction, limiter)
        self._shape = (domain.sheets, *half.shape)
        images = half.cells_at(sphere.points)
        self._images, self._places = images.astype(np.uint32), _places(images, sphere.points)
        shape = domain.sheets, sphere.cells
        self._density, self._potential, self._start, self._result = (np.empty(shape) for _ in range(4))
        self._stage, self._largest_loss_rate = self._even_stage, self._even_loss_rate

    def watched_stage(self, stage: Stage, combination: Combination, *, steady: bool) -> StageWatch:
        """Do a stage as `euler_stage` does, and tell what it says about the step: half of all integrals."""
        fields = self._continued(stage.density, stage.potential, stage.start)
        whole = Stage(*fields, stage.weights, stage.step, self._result)
        watch = self._scheme.watched_stage(whole, combination, steady=steady)
        self._keep(stage.result)
        return StageWatch(watch.loss_rate, *(0.5 * number for number in watch[1:]))

    def state_sums(self, density: FloatArray, potential: FloatArray) -> tuple[float, float]:
        """Mass of a density, and the integral of a potential over it, to the bits of a stage that leads there."""
        mass, paired = self._scheme.state_sums(*self._continued(density, potential, density)[:2])
        return 0.5 * mass, 0.5 * paired

    def _stage_arguments(self, potential: FloatArray, step: float) -> tuple[Any, ...]:  # noqa: ARG002
        return (step,)

    def _even_stage(
        self,
        density: FloatArray,
        potential: FloatArray,
        start: FloatArray,
        weights: tuple[float, float],
        step: float,
        result: FloatArray,
    ) -> None:
        """Do a stage on the whole sphere."""
        self._scheme.euler_stage(*self._continued(density, potential, start), weights, step, self._result)
        self._keep(result)

    def _even_loss_rate(self, potential: FloatArray) -> float:
        return self._scheme.loss_rate(self._even(potential, self._potential))

    def _continued(
        self, density: FloatArray, potential: FloatArray, start: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The arrays of a stage on the whole sphere."""
        rho = self._even(density, self._density)
        old = rho if start is density else self._even(start, self._start)
        return rho, self._even(potential, self._potential), old

    def _even(self, values: FloatArray, result: FloatArray) -> FloatArray:
        gather(values.reshape(self._shape), self._images, result)
        return result

    def _keep(self, result: FloatArray) -> None:
        """Take over the result of the sphere's scheme."""
        gather_means(self._result, *self._places, result.reshape(self._shape))


class MidpointHalfScheme(HalfSphereScheme):
    """The same with velocities of second order everywhere, see `wgflow.upwind.sphere.MidpointScheme`."""

    whole = MidpointScheme


def _places(images: IntArray, points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Number on the sphere of each cell of the half, and of its mirror image, itself on the equator.

    The mean of both is kept: their results differ by what mirror images on the mesh do, and mass would by as much.
    """
    order, count = np.lexsort((points[:, 2], images)), images.max() + 1
    first = np.searchsorted(images[order], np.arange(count))
    last = np.searchsorted(images[order], np.arange(count), side="right") - 1
    return order[last].astype(np.uint32), order[first].astype(np.uint32)
