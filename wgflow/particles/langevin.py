r"""Noisy particles: mean-field Langevin dynamics, whose law is the flow of F with an entropy.

.. math:: dX_j = -\alpha \nabla J(X_j|\mu)\, dt + \sqrt{2 \alpha T}\, dB_j, \qquad
          \partial_t \mu = \alpha\, \mathrm{div}(\mu \nabla J) + \alpha T \Delta \mu

The second equation is the flow of :math:`F + T \int \rho \log \rho` as the number of particles goes to infinity, so
that one functional, ``F + Entropy(T)``, says both: a diffusion on grids, and noise for particles.

References
----------
Mei, Montanari and Nguyen (2018), A mean field view of the landscape of two-layer neural networks, PNAS 115(33).
Bossy, Gobet and Talay (2004), A symmetrized Euler scheme for an efficient approximation of reflected diffusions, J.
Appl. Probab. 41(3): steps that end beyond a wall are reflected.
"""

from __future__ import annotations

from dataclasses import InitVar, dataclass, replace
from typing import ClassVar

import numpy as np

from wgflow.errors import InputError
from wgflow.functionals import Functional
from wgflow.measures import Particles
from wgflow.measures.particles import extent_of
from wgflow.measures.randomness import drawn_seed, random_numbers
from wgflow.particles.contract import Advance, System
from wgflow.particles.methods import Descent, equal_steps
from wgflow.typing import FloatArray

NOISE_STREAM = 2  # of the random numbers of a seed; that of batches is another
DISPLACEMENT = 1e-3  # of particles over their extent, to see how fast the drift changes
STEP_SHARE = 0.05  # of the time in which it does
LEAST_STEPS = 100


@dataclass(frozen=True)
class Langevin:
    r"""Noisy gradient descent: steps of the Langevin dynamics at the temperature of the entropies in F.

    A step of order 1 is :math:`x \leftarrow x - \gamma \nabla J + \sqrt{2 T \gamma}\, \xi` (Euler and Maruyama); on
    circle and sphere the drift is retracted and the noise follows geodesics. A step of order 2 is half of the noise, a
    step of Heun's method and the other half. Brownian motion is exact in R^p, between walls, where it is reflected, and
    on the circle; on spheres its error is of second order. Without an entropy steps of order 1 are those of
    ``Descent(step, batch, seed, multiplicative=True)``, to the last bit.

    Parameters
    ----------
    step : float
        Step size. Steps begin at the start of the run; an output between two ends a shorter one aside.
    batch : int or None
        Number of samples that each step draws, as in `Descent`: noisy SGD; None for the whole risk.
    seed : int
        Seed of noise and samples. Those of each step depend on its number alone, so that a run can be resumed.
    order : int
        Weak order, 1 or 2: that of the error of means over the law, away from walls.
    rng : numpy.random.Generator, optional
        Draws the seed.

    Raises
    ------
    InputError
        If an option is not allowed.

    Examples
    --------
    >>> from wgflow import Entropy, Langevin, Particles, Potential, Space, simulate
    >>> well, start = Potential(lambda x: 0.5 * (x**2).sum(axis=-1)), Particles([[0.0], [1.0]], [0.5, 0.5])
    >>> simulate(well + Entropy(0.1), start, 0.2, domain=Space(1), method=Langevin(0.1, seed=1)).position.shape
    (101, 2, 1)
    """

    step: float
    batch: int | None = None
    seed: int = 0
    order: int = 1
    rng: InitVar[np.random.Generator | None] = None
    tolerance: ClassVar[None] = None
    deterministic: ClassVar[bool] = False

    def __post_init__(self, rng: np.random.Generator | None) -> None:
        if rng is not None:
            object.__setattr__(self, "seed", drawn_seed(rng))
        self._drift  # noqa: B018 - checks step and batch
        if self.order not in (1, 2):
            raise InputError(f"order = {self.order!r} is not allowed; choose 1 or 2")

    @property
    def _drift(self) -> Descent:
        return Descent(self.step, self.batch, self.seed, multiplicative=True)

    def begin(self, system: System, time: float, state: FloatArray) -> Advance:
        """Start at a state; steps are numbered from the time 0 on."""
        drift = self._drift
        drift.check_samples(system)

        def update(state: FloatArray, size: float, iteration: int) -> tuple[FloatArray, float | None]:
            generator = random_numbers(self.seed, NOISE_STREAM, iteration)
            if self.order == 1:
                moved, energy = drift.descend(system, state, size, iteration)
                return system.diffused(moved, size, generator), energy
            first = system.diffused(state, 0.5 * size, generator)
            sample = drift.sample(system, iteration)
            found = system.potential_at(first, sample)
            rate = system.rate(first, found)
            other = system.rate(first + size * rate, system.potential_at(first + size * rate, sample))
            moved = system.retracted(first + 0.5 * size * (rate + other))
            energy = None if self.batch is None else found.energy
            return system.diffused(moved, 0.5 * size, generator), energy

        return equal_steps(update, self.step, time, state)


def suitable_langevin(functional: Functional, particles: Particles, t_end: float, transport: float = 1.0) -> Langevin:
    """Give `Langevin` of order 2 with a step for the drift at the start.

    Its step is a twentieth of the time in which the drift changes by its own size, when all particles are moved at
    random or along the drift, and at most a hundredth of ``t_end``. Where the drift becomes steeper later, give a step.

    Parameters
    ----------
    functional : Functional
        The functional F.
    particles : Particles
        Start.
    t_end : float
        Last time.
    transport : float
        The factor alpha.
    """
    drift, fastest = functional.at_particles(particles).gradient, 0.0
    displacement = DISPLACEMENT * extent_of(particles.points)
    for direction in (np.random.default_rng(0).standard_normal(drift.shape), drift):
        size = float(np.linalg.norm(direction))
        if size > 0.0:
            step = displacement * np.sqrt(len(drift)) / size * direction
            moved = functional.at_particles(replace(particles, points=particles.points + step)).gradient
            fastest = max(fastest, float(np.linalg.norm(moved - drift) / np.linalg.norm(step)))
    longest = t_end / LEAST_STEPS
    return Langevin(longest / max(1.0, transport * fastest * longest / STEP_SHARE), order=2)
