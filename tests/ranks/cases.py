"""Runs on several ranks, for `test_mpi.py`: started by mpiexec on four, some of which sit out the runs on fewer.

Each case is a run that is written to a file, by 1, 2, 3 and 4 ranks; what is refused is noted in a file too.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
import tracemalloc
from pathlib import Path

import numpy as np
from mpi4py import MPI

import wgflow
from wgflow.domains.slab import Slab
from wgflow.finite_volume.drives import EvaluatedDrive
from wgflow.flows.step_control import StepController
from wgflow.functionals.convolution import BoxConvolution
from wgflow.ranks import world as ranks_of_runs
from wgflow.ranks.communicator import ALONE
from wgflow.ranks.mpi import MpiCommunicator
from wgflow.runs.shared_fields import SharedFields
from wgflow.trajectory import row_groups
from wgflow.trajectory.checkpoint import write_packed

Box, Features, Potential, Signed = wgflow.Box, wgflow.Features, wgflow.Potential, wgflow.Signed
FOLDER = Path(sys.argv[1])

SQUARE, UNEVEN, PLANES, WIDE = [(-1.0, 1.0)] * 2, (13, 10), (9, 6, 5), (400, 1024)
WELL = Potential(lambda x: (x**2).sum(axis=-1))
GAUSSIAN = wgflow.Interaction(lambda z: np.exp(-3.0 * (z**2).sum(axis=-1)))
INPUTS = np.random.default_rng(1).normal(size=(260, 3))
OUTPUTS = np.sin(INPUTS[:, 0])


def hill(x):
    return 0.1 + np.exp(-4.0 * (x**2).sum(axis=-1))


def spots(x):
    """Amid vacuum, where cells have less than corrections of fifth order take."""
    return np.where(np.sin(40.0 * x).sum(axis=-1) > 0.5, 1.0, 1e-6)


def solved(functional, domain, output, t_end, **options):
    times = np.linspace(0.0, t_end, 3)
    return wgflow.solve(functional, domain, hill, t_end, times=times, output=output, **options)


def walls(output):
    solved(WELL, Box(SQUARE, UNEVEN), output, 0.05)


def diffusion(output):
    solved(WELL + wgflow.Entropy(0.1) + wgflow.Mass(0.1), Box(SQUARE, UNEVEN), output, 0.02, reaction=0.3)


def space(output):
    periodic = Box([(-1.0, 1.0)] * 3, PLANES, periodic=(True, False, True))
    solved(wgflow.PowerEnergy(2.0) + GAUSSIAN, periodic, output, 0.002)


def torus(output):
    samples = wgflow.Particles(0.3 * INPUTS[:9, :2], np.full(9, 1.0 / 9.0), np.ones(9))
    distance = wgflow.SobolevDiscrepancy(lambda x: 1.0 + 0.0 * x[..., 0], 1.0)
    distance = distance + wgflow.KernelDiscrepancy(GAUSSIAN, samples)
    solved(distance, Box(SQUARE, UNEVEN, periodic=True), output, 0.02)


def signed_neurons(output):
    risk = Features(wgflow.Relu(INPUTS[:9, :2]), OUTPUTS[:9]) + wgflow.Mass(0.01)
    solved(risk, Signed(Box(SQUARE, (70, 8))), output, 0.02, reaction=0.5)


def pairs_of_weights(output):
    solved(Features(wgflow.Neurons(wgflow.Relu(INPUTS[:9, :1])), OUTPUTS[:9]), Box(SQUARE, (33, 10)), output, 0.02)


def computed_features(output):
    matrix = INPUTS[:7].T
    features = Features(lambda x: np.tanh(x @ matrix), OUTPUTS[:7], memory_limit=0.0)
    solved(features, Box([(-1.0, 1.0)] * 3, PLANES), output, 0.02)


def tiled_features(output):
    features = Features(wgflow.Relu(INPUTS[:7]), OUTPUTS[:7], memory_limit=0.0) + wgflow.Quadratic(np.eye(3))
    solved(features, Box([(-1.0, 1.0)] * 3, PLANES), output, 0.01)


def fifth_order(output):
    solved(WELL + wgflow.Entropy(0.1), Signed(Box(SQUARE, (29, 8))), output, 0.01, order=5, reaction=0.3)


def fifth_order_in_space(output):
    periodic = Box([(-1.0, 1.0)] * 3, (30, 8, 7), periodic=(True, False, True))
    solved(GAUSSIAN, periodic, output, 0.002, order=5)


def limited_fifth_order(output):
    box, times = Box(SQUARE, (45, 8), periodic=True), [0.0, 0.002]
    wgflow.solve(WELL + GAUSSIAN, box, spots, 0.002, times=times, output=output, order=5)


def spikes(output):
    domain = Signed(Box([(0.0, 1.0)] * 2, (70, 8), periodic=True))
    seen = wgflow.Particles([[0.2, 0.3], [0.7, 0.6]], [1.0, 1.0], [1.0, -1.0])
    solved(wgflow.Deconvolution(wgflow.DirichletKernel(2), seen, domain), domain, output, 2e-4, reaction=1.0)


def particles(output):
    rng = np.random.default_rng(2)
    start = wgflow.Particles(rng.normal(size=(501, 4)), np.full(501, 1.0 / 501.0), np.ones(501))
    risk = Features(wgflow.Neurons(wgflow.Relu(INPUTS, smoothing=0.1)), OUTPUTS) + wgflow.Entropy(0.01)
    method = wgflow.Langevin(0.005, seed=2)
    wgflow.simulate(risk, start, 0.01, domain=wgflow.Space(4), method=method, times=[0.0, 0.01], output=output)


def descent(output, batch=200):
    rng = np.random.default_rng(4)
    start = wgflow.Particles(rng.normal(size=(501, 4)), np.full(501, 1.0 / 501.0), np.ones(501))
    risk, method = Features(wgflow.Neurons(wgflow.Relu(INPUTS)), OUTPUTS), wgflow.Descent(0.01, batch=batch, seed=3)
    wgflow.simulate(risk, start, 0.05, domain=wgflow.Space(4), method=method, times=[0.0, 0.05], output=output)


def small_batches(output):
    """So little work that it is one block, fewer than ranks."""
    descent(output, batch=20)


def charges(output):
    rng = np.random.default_rng(3)
    start = wgflow.Particles(rng.normal(size=(600, 2)), np.full(600, 1.0 / 600.0), np.ones(600))
    repulsion = wgflow.Interaction(wgflow.GaussianKernel(1.0, 0.5))
    method = wgflow.RungeKutta4(0.05)
    wgflow.simulate(repulsion, start, 0.1, domain=wgflow.Space(2), method=method, times=[0.0, 0.1], output=output)


CASES = (
    walls,
    diffusion,
    space,
    torus,
    signed_neurons,
    pairs_of_weights,
    computed_features,
    tiled_features,
    fifth_order,
    fifth_order_in_space,
    limited_fifth_order,
    spikes,
    particles,
    descent,
    small_batches,
    charges,
)


def largest():
    """Largest of numbers, one of which is none on the last rank: of each rank, and of blocks beside their sums."""
    slab = Slab(Box(SQUARE, UNEVEN), ranks_of_runs.world())
    values = np.array([float(slab.communicator.rank), 1.0])
    if slab.communicator.rank == slab.communicator.size - 1:
        values[1] = np.nan
    sums = slab.partition.summing(np.ones((len(slab.partition), 2)))
    beside = slab.partition.largest(values[np.newaxis])
    return np.stack([slab.communicator.largest(values), sums(), beside])


def overwritten():
    """How many arrays change by messages of exchanges that were begun, and given up, as by a run that fails."""
    ranks, found = ranks_of_runs.world(), 0
    for number in range(20):
        rows = np.full((1, 300), 1.0 + number)
        ranks.shifting(rows, rows, around=True)
        others = [np.zeros((2, *rows.shape)) for _ in range(30)]
        ranks.wait()
        found += sum(bool(array.any()) for array in others)
    return found


def peak_of_writing():
    """Bytes that rank 0 needs at most while it writes a checkpoint, over those of the array of all ranks in it.

    It is the least of some, as the interpreter keeps small objects for later: their number depends on what was before.
    """
    ranks = ranks_of_runs.world()
    slab = Slab(Box(SQUARE, WIDE), ranks)
    fields = SharedFields(slab)
    numbers = np.arange(np.prod(WIDE), dtype=np.float32).reshape(WIDE)
    checkpoint = fields.share({"stiffest": slab.part(numbers)})
    if ranks.rank > 0:
        fields.serve(ranks)
        return None
    peaks, group, row_groups.GROUP = [], row_groups.GROUP, 8 * 4 * WIDE[1]
    for _ in range(3):
        tracemalloc.start()
        with (FOLDER / "checkpoint.npz").open("wb", buffering=0) as file:
            write_packed(checkpoint, file)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    row_groups.GROUP = group
    ranks.told(None)
    return min(peaks) / numbers.nbytes


def peak_of_kernel():
    """Bytes that this rank needs at most to prepare a convolution, over those that one rank needs."""
    whole, peaks = Box(SQUARE, (256, 64)), []
    for box in (whole, Slab(whole, ranks_of_runs.world())):
        for again in (False, True):  # the first one loads modules
            if again:
                tracemalloc.start()
            BoxConvolution(box, lambda z: np.exp(-3.0 * (z**2).sum(axis=-1)))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    return peaks[1] / peaks[0]


def decide_otherwise():
    """Let a rank find other powers and energies than rank 0, as one whose processor rounds differently."""
    growth, reject, arrive = StepController.growth, StepController.reject, EvaluatedDrive._arrive

    def reject_otherwise(control, *given):
        reject(control, *given)
        control.aim *= 0.5

    def arrive_otherwise(drive, density):
        arrive(drive, density)
        drive.energy += 2.0

    StepController.growth = lambda *given: 0.5 * growth(*given)
    StepController.reject, EvaluatedDrive._arrive = reject_otherwise, arrive_otherwise


def in_memory():
    """Densities of a run without a file, which all ranks have."""
    return solved(WELL, Box(SQUARE, UNEVEN), None, 0.05).density


def stopped(size):
    """Stop on 3 ranks by a signal that one of them gets; go on on 2, where the time is over at once, and once more."""
    output, box = FOLDER / "stopped.h5", Box(SQUARE, UNEVEN)
    if size != 3:
        solved(WELL, box, output, 0.05, resume=True, wall_time=1e-9)
        solved(WELL, box, output, 0.05, resume=True)
        return

    accepted = []

    def signals(evolution):
        accepted.append(evolution.counts.accepted)
        if ranks_of_runs.world().rank == 1 and evolution.counts.accepted == 3:
            os.kill(os.getpid(), signal.SIGUSR1)

    try:
        solved(WELL, box, output, 0.05, observers=wgflow.Observers(step=[signals]))
    except KeyboardInterrupt:
        (FOLDER / f"interrupted-{ranks_of_runs.world().rank}").write_text(str(accepted[-1]))


def refusals():
    """What several ranks say to what only one can do."""
    box, normalised = Box(SQUARE, UNEVEN), lambda x: np.ones(x.shape[:-1]) / x.size
    tried = {
        "circle": lambda: wgflow.solve(wgflow.Quadratic(np.eye(2)), wgflow.Circle(16), np.ones(16), 1.0),
        "sphere": lambda: wgflow.solve(wgflow.Quadratic(np.eye(3)), wgflow.Sphere(42), np.ones(42), 1.0),
        "line": lambda: wgflow.solve(WELL, Box([(0.0, 1.0)], 64), np.ones(64), 1.0),
        "implicit": lambda: wgflow.solve(WELL, box, hill, 1.0, stepper="tr_bdf2"),
        "order": lambda: wgflow.solve(WELL, Box(SQUARE, (20, 10)), hill, 1.0, order=5),
        "grow": lambda: wgflow.solve(WELL, box, hill, 1.0, grow=True),
        "estimate": lambda: wgflow.solve(WELL, box, hill, 1.0, estimate=True),
        "ranks": lambda: wgflow.solve(WELL, Box(SQUARE, (7, 64)), hill, 1.0),
        "density": lambda: wgflow.solve(WELL, box, normalised, 1.0),
        "potential": lambda: wgflow.solve(Potential(lambda x: x[..., 0] - x[..., 0].min()), box, hill, 1.0),
        "jko": lambda: wgflow.solve_jko(WELL, box, hill, 1.0, tau=0.1),
        "own": lambda: wgflow.solve(2.0 * OwnFunctional(), box, hill, 1.0),
    }
    found = {}
    for name, attempt in tried.items():
        try:
            attempt()
        except wgflow.InputError as error:
            found[name] = str(error)
    return found


class OwnFunctional(wgflow.Functional):
    """A functional that knows nothing of ranks."""

    def on_grid(self, domain):
        raise NotImplementedError

    def at_particles(self, particles):
        raise NotImplementedError


def wait(everyone):
    """Meet, without keeping a core busy."""
    request = everyone.Ibarrier()
    while not request.Test():
        time.sleep(0.02)


def run_on(size, everyone):
    """Carry out the cases on the first ranks."""
    group = everyone.Split(0 if everyone.rank < size else 1)
    if everyone.rank < size:
        ranks = ALONE if size == 1 else MpiCommunicator(group)
        ranks_of_runs._several = lambda: ranks
        folder = FOLDER / str(size)
        folder.mkdir(exist_ok=True)
        for case in CASES:
            case(folder / f"{case.__name__}.h5")
        np.save(folder / f"memory-{everyone.rank}.npy", in_memory())
        np.save(folder / f"largest-{everyone.rank}.npy", largest())
        (folder / f"overwritten-{everyone.rank}").write_text(str(overwritten()))
        if size in (2, 3):
            stopped(size)
        if size == 2:
            (FOLDER / f"peak-{everyone.rank}").write_text(str(peak_of_writing()))
            (FOLDER / f"peak-of-kernel-{everyone.rank}").write_text(str(peak_of_kernel()))
        if size == 4:
            (FOLDER / f"refused-{everyone.rank}.json").write_text(json.dumps(refusals()))
    wait(everyone)


if __name__ == "__main__":
    row_groups.LARGEST_CHUNK, row_groups.GROUP = map(int, sys.argv[2:])
    if MPI.COMM_WORLD.rank > 0:
        decide_otherwise()
    try:
        for number in (1, 3, 2, 4):  # the run that 3 ranks stop goes on on 2
            run_on(number, MPI.COMM_WORLD)
    except BaseException:
        traceback.print_exc()
        MPI.COMM_WORLD.Abort(1)
