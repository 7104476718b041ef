"""Memory of runs with particles, as factors of arrays that hold positions and weights of all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wgflow.runs.memory.estimate import DOUBLE, MIB, Item

STATE = {"adaptive": 44, "rk4": 20, "euler": 9, "mirror": 9, "langevin": 9}  # for each number of a state
DRAW = 6  # arrays of positions while particles are drawn
JET = 30  # arrays of second derivatives in a variational step
FEATURES = 3  # arrays of features at all particles: with their gradients, and products of both
JET_FEATURES = 8  # and in a variational step
SAMPLES = 4  # arrays of the inputs of a batch
OUTPUTS = 50  # arrays of its predictions and errors, and activations of some particles
PAIRS = 2**20  # pairs that are evaluated at a time
WORKSPACE = 32 * MIB  # activations that are kept


@dataclass(frozen=True)
class ParticleArrays:
    """Particles before they are drawn.

    Parameters
    ----------
    count : int
        Their number m.
    components : int
        Number p of coordinates of each.
    key : str
        What makes it smaller.
    """

    count: int
    components: int
    key: str = "particles.count"

    @property
    def state(self) -> float:
        """Bytes of positions and weights."""
        return DOUBLE * self.count * (self.components + 1.0)


@dataclass(frozen=True)
class FunctionalArrays:
    """What the functional keeps at particles.

    Parameters
    ----------
    features : int
        Features that are computed at all particles at once; 0 where sums are compiled.
    pairs : bool
        Whether all pairs interact.
    batch : int
        Samples of a step of stochastic descent; 0 for all data.
    inputs, data : int
        Number of inputs of a network, and of its data.
    """

    features: int = 0
    pairs: bool = False
    batch: int = 0
    inputs: int = 0
    data: int = 0


def particle_items(arrays: ParticleArrays, method: str, functional_arrays: FunctionalArrays) -> Iterator[Item]:
    """Memory of particles that follow the flow by a method, a key of ``STATE``, or by variational steps ("jko")."""
    yield Item("drawing particles", DRAW * arrays.state, arrays.key, brief=True)
    if method == "jko":
        jets = JET * DOUBLE * arrays.count * float(arrays.components) ** 2
        yield Item("second derivatives at all particles", jets, arrays.key, late=True)
    else:
        yield Item("particles and their steps", STATE[method] * arrays.state, arrays.key, late=True)
    yield from _functional_items(arrays, functional_arrays, JET_FEATURES if method == "jko" else FEATURES)


def _functional_items(arrays: ParticleArrays, functional_arrays: FunctionalArrays, copies: int) -> Iterator[Item]:
    if functional_arrays.features > 0:
        size = copies * DOUBLE * arrays.count * float(functional_arrays.features)
        yield Item("features at all particles", size, f"{arrays.key} or the number of features", late=True)
    if functional_arrays.pairs:
        at_once = max(min(PAIRS, float(arrays.count) ** 2), arrays.count)
        yield Item("particle pairs", (3 * arrays.components + 4) * DOUBLE * at_once, arrays.key, late=True)
    if functional_arrays.batch > 0:
        size = DOUBLE * float(functional_arrays.batch) * (SAMPLES * functional_arrays.inputs + OUTPUTS)
        yield Item("samples of a batch", size, "particles.batch", late=True)
    elif functional_arrays.data > 0:
        size = DOUBLE * float(functional_arrays.data) * (SAMPLES * functional_arrays.inputs + OUTPUTS) + WORKSPACE
        yield Item("activations of some particles on all data", size, "the number of data", late=True)
