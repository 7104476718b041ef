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
SAMPLES = 6  # arrays of the inputs of a batch
OUTPUTS = 50  # arrays of its predictions and errors, and activations of some particles
PAIRS = 2**20  # pairs that are evaluated at a time
WORKSPACE = 32 * MIB  # activations that are kept


@dataclass(frozen=True)
class Cloud:
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
class Interplay:
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


def cloud_items(cloud: Cloud, method: str, interplay: Interplay) -> Iterator[Item]:
    """Memory of particles that follow the flow by a method, a key of ``STATE``, or by variational steps ("jko")."""
    yield Item("drawing particles", DRAW * cloud.state, cloud.key, brief=True)
    if method == "jko":
        jets = JET * DOUBLE * cloud.count * float(cloud.components) ** 2
        yield Item("second derivatives at all particles", jets, cloud.key, late=True)
    else:
        yield Item("particles and their steps", STATE[method] * cloud.state, cloud.key, late=True)
    yield from _functional_items(cloud, interplay, JET_FEATURES if method == "jko" else FEATURES)


def _functional_items(cloud: Cloud, interplay: Interplay, copies: int) -> Iterator[Item]:
    if interplay.features > 0:
        size = copies * DOUBLE * cloud.count * float(interplay.features)
        yield Item("features at all particles", size, f"{cloud.key} or the number of features", late=True)
    if interplay.pairs:
        at_once = max(min(PAIRS, float(cloud.count) ** 2), cloud.count)
        yield Item("particle pairs", (3 * cloud.components + 4) * DOUBLE * at_once, cloud.key, late=True)
    if interplay.batch > 0:
        size = DOUBLE * float(interplay.batch) * (SAMPLES * interplay.inputs + OUTPUTS)
        yield Item("samples of a batch", size, "particles.batch", late=True)
    elif interplay.data > 0:
        size = DOUBLE * float(interplay.data) * (SAMPLES * interplay.inputs + OUTPUTS) + WORKSPACE
        yield Item("activations of some particles on all data", size, "the number of data", late=True)
