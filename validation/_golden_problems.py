"""Small runs of problem files, for `golden.py`: kinds of problems, on domains, by solvers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

Sections = dict[str, Any]
TURN = 6.283185307179586
GAUSSIAN: Sections = {"kind": "gaussian", "covariance": 0.2}
UNIFORM: Sections = {"kind": "uniform", "mass": 1.5}

# Sections, number of components p of a point, and number of inputs of a network whose neurons live there.
PLACES: Mapping[str, tuple[Sections, int, int]] = {
    "box 1-D": ({"kind": "box", "bounds": [[-2.0, 2.0]], "shape": [24]}, 1, 0),
    "torus 1-D": ({"kind": "box", "bounds": [[0.0, TURN]], "shape": [24], "periodic": True}, 1, 0),
    "signed box 1-D": ({"kind": "box", "bounds": [[-2.0, 2.0]], "shape": [20], "signed": True}, 1, 0),
    "signed torus 1-D": (
        {"kind": "box", "bounds": [[0.0, TURN]], "shape": [24], "periodic": True, "signed": True},
        1,
        0,
    ),
    "box 2-D": ({"kind": "box", "bounds": [[-2.5, 2.5], [-2.0, 2.5]], "shape": [16, 14], "wall_limit": 1.0}, 2, 1),
    "torus 2-D": ({"kind": "box", "bounds": [[0.0, TURN]] * 2, "shape": [14, 12], "periodic": True}, 2, 1),
    "tube 2-D": (
        {
            "kind": "box",
            "bounds": [[0.0, TURN], [-2.0, 2.0]],
            "shape": [12, 14],
            "periodic": [True, False],
            "wall_limit": 1.0,
        },
        2,
        1,
    ),
    "signed box 2-D": ({"kind": "box", "bounds": [[-2.0, 2.0]] * 2, "shape": [12, 12], "signed": True}, 2, 1),
    "box 3-D": ({"kind": "box", "bounds": [[-2.5, 2.5]] * 3, "shape": [10, 9, 8]}, 3, 2),
    "torus 3-D": ({"kind": "box", "bounds": [[0.0, TURN]] * 3, "shape": [8, 8, 7], "periodic": True}, 3, 2),
    "signed box 3-D": ({"kind": "box", "bounds": [[-2.0, 2.0]] * 3, "shape": [8, 8, 8], "signed": True}, 3, 2),
    "circle": ({"kind": "circle", "cells": 24}, 2, 2),
    "circle of pairs": ({"kind": "circle", "cells": 24}, 2, 1),
    "signed circle": ({"kind": "circle", "cells": 28, "signed": True}, 2, 2),
    "sphere": ({"kind": "sphere", "cells": 162}, 3, 3),
    "sphere of pairs": ({"kind": "sphere", "cells": 162}, 3, 2),
    "signed sphere": ({"kind": "sphere", "cells": 162, "signed": True}, 3, 3),
    "space": ({"kind": "space", "dimension": 4}, 4, 3),
    "plane": ({"kind": "space", "dimension": 2}, 2, 1),
    "hypersphere": ({"kind": "hypersphere", "dimension": 4}, 4, 4),
    "hypersphere of pairs": ({"kind": "hypersphere", "dimension": 4}, 4, 3),
    "signed hypersphere": ({"kind": "hypersphere", "dimension": 4, "signed": True}, 4, 4),
    "wide circle": ({"kind": "circle", "cells": 32768, "signed": True}, 2, 2),
    "wide box 1-D": ({"kind": "box", "bounds": [[-2.0, 2.0]], "shape": [32768]}, 1, 0),
    "wide box 2-D": ({"kind": "box", "bounds": [[-2.0, 2.0]] * 2, "shape": [192, 192]}, 2, 1),
    "wide sphere": ({"kind": "sphere", "cells": 10242, "signed": True}, 3, 3),
}

SOLVERS: Mapping[str, Sections] = {
    "explicit": {"solver": {"kind": "finite_volume"}},
    "euler": {"finite_volume": {"order": 1, "stepper": "euler", "tolerance": 1e-2}},
    "ssprk2": {"finite_volume": {"limiter": "van_leer", "stepper": "ssprk2", "tolerance": 1e-2}},
    "ssprk3": {"finite_volume": {"limiter": "minmod", "stepper": "ssprk3", "tolerance": 1e-3}},
    "positive": {"finite_volume": {"limiter": "positive"}},
    "midpoint": {"finite_volume": {"velocity": "midpoint"}},
    "barth_jespersen": {"finite_volume": {"limiter": "barth_jespersen", "velocity": "midpoint"}},
    "order_5": {"finite_volume": {"order": 5}},
    "backward_euler": {"finite_volume": {"stepper": "backward_euler", "tolerance": 1e-3}},
    "tr_bdf2": {"finite_volume": {"stepper": "tr_bdf2", "tolerance": 1e-4}},
    "adaptive": {"solver": {"kind": "particles"}, "particles": {"start": "stratified"}},
    "equispaced": {"solver": {"kind": "particles"}, "particles": {"start": "equispaced"}},
    "random": {"solver": {"kind": "particles"}},
    "float32": {"solver": {"kind": "particles"}, "particles": {"precision": "float32", "smoothing": 0.01}},
    "rk4": {"solver": {"kind": "particles"}, "particles": {"method": "rk4", "start": "quasi_random"}},
    "descent": {"solver": {"kind": "particles"}, "particles": {"method": "euler"}},
    "rates": {"solver": {"kind": "particles"}, "particles": {"method": "euler", "input_rate": 3.0}},
    "sgd": {"solver": {"kind": "particles"}, "particles": {"method": "euler", "batch": 4}},
    "mirror": {"solver": {"kind": "particles"}, "particles": {"method": "mirror"}},
    "mirror_sgd": {"solver": {"kind": "particles"}, "particles": {"method": "mirror", "batch": 4}},
    "langevin": {"solver": {"kind": "particles", "reaction": 0.0}, "particles": {"method": "langevin"}},
    "noisy_sgd": {"solver": {"kind": "particles", "reaction": 0.0}, "particles": {"method": "langevin", "batch": 4}},
    "characteristics": {"solver": {"kind": "characteristics"}},
    "jko": {"solver": {"kind": "jko"}, "particles": {"start": "stratified"}},
    "jko_2": {"solver": {"kind": "jko"}, "jko": {"order": 2, "growth": 0.1, "adapt": True}},
    "jko_grid": {"solver": {"kind": "jko"}, "jko": {"representation": "grid"}},
    "jko_grid_2": {"solver": {"kind": "jko"}, "jko": {"representation": "grid", "order": 2}},
    "linearised": {"solver": {"kind": "jko"}, "jko": {"scheme": "linearised", "growth": 0.1}},
    "normalised": {"solver": {"kind": "normalised"}},
    "normalised_1": {"solver": {"kind": "normalised"}, "normalised": {"order": 1, "growth": 0.5}},
}

DEFAULTS: Sections = {
    "solver": {"t_end": 0.25},
    "particles": {"count": 24, "step": 0.0125},
    "jko": {"tau": 0.03},
    "normalised": {"tau": 0.05},
    "output": {"snapshots": 3},
}


def energy(**parts: Any) -> Callable[[int, int, Path], Sections]:
    """A sum of energies."""
    return lambda p, d, folder: {"kind": "energy", **parts}  # noqa: ARG005


def quadratic(p: int, d: int, folder: Path) -> Sections:  # noqa: ARG001
    """Quadratic features."""
    target = 0.1 + np.diag(1.0 / np.arange(1.0, p + 1.0))
    return {"kind": "quadratic", "target": target.tolist(), "regularization": 0.02}


def teacher(p: int, d: int, folder: Path, **others: Any) -> Sections:  # noqa: ARG001
    """A network of two neurons to be learned."""
    network = {"directions": [np.eye(d)[0].tolist(), np.linspace(1.0, -0.5, d).tolist()], "weights": [1.0, -0.7]}
    return {"kind": "two_layer", "data": "gaussian_teacher", "teacher": network, **others}


def data(p: int, d: int, folder: Path, *, labels: bool = False, **others: Any) -> Sections:  # noqa: ARG001
    """Data, see `write_data`; one input is plain, of more the last is a bias."""
    inputs = [f"x{number}" for number in range(max(d - 1, 1))]
    table = {"path": str(folder / "data.csv"), "inputs": inputs, "output": "label" if labels else "y", "bias": d > 1}
    return {"kind": "two_layer", "dataset": table | {"standardize": not labels}, **others}


def spikes(p: int, d: int, folder: Path, *, signed: bool = False, **others: Any) -> Sections:  # noqa: ARG001
    """Spikes on a torus; positions on the circle are angles."""
    axes = others.pop("axes", p)
    found = {"positions": [[1.0] * axes, [4.0] * axes], "weights": [1.0, -0.6 if signed else 0.6]}
    return {"kind": "deconvolution", "spikes": found, **(others or {"frequencies": 2})}


def samples(p: int, d: int, folder: Path) -> Sections:  # noqa: ARG001
    """A kernel distance to samples, see `write_data`."""
    return {"kind": "energy", "kernel": {"width": 0.7, "samples": str(folder / f"samples{p}.csv")}}


def slope(p: int, d: int, folder: Path) -> Sections:  # noqa: ARG001
    """A linear potential and springs."""
    found = {"kind": "linear", "slope": np.linspace(0.5, -1.0, p).tolist()}
    return {"kind": "energy", "potential": found, "interaction": {"kind": "quadratic", "strength": 0.5}}


def noisy(problem: Callable[..., Sections], temperature: float = 0.1) -> Callable[..., Sections]:
    """The problem with a temperature."""
    return lambda *arguments: problem(*arguments) | {"temperature": temperature}


DOUBLE_WELL: Sections = {"kind": "double_well", "height": 0.5, "stiffness": 0.8}
BOWL: Sections = {"kind": "quadratic", "stiffness": 1.2}
HEAT: Sections = {"kind": "entropy", "temperature": 0.2}
BUMP: Sections = {"kind": "gaussian", "strength": 0.5, "width": 0.8}
WAVES: Sections = {"kind": "cosine", "amplitude": 0.4, "frequency": 1, "phase": 0.3}
RING: Sections = {"kind": "attractive_repulsive", "a": 2.0, "b": 0.0}
ROUNDED: Sections = RING | {"smoothing": 0.1}
LOG: Sections = {"kind": "log", "strength": 0.3}

PROBLEMS: Mapping[str, Callable[..., Sections]] = {
    "well": energy(potential=DOUBLE_WELL, interaction=BUMP),
    "well and heat": energy(potential=DOUBLE_WELL, interaction=BUMP, internal=HEAT),
    "heat": energy(internal=HEAT),
    "porous medium": energy(potential=BOWL, internal={"kind": "power", "exponent": 2.0, "strength": 0.4}),
    "fast diffusion": energy(potential=BOWL, internal={"kind": "power", "exponent": 0.5, "strength": 0.4}),
    "thick medium": energy(internal={"kind": "power", "exponent": 3.0}, regularization=0.1),
    "slope": slope,
    "waves": energy(potential=WAVES, interaction=BUMP),
    "waves and heat": energy(potential=WAVES, interaction=BUMP, internal=HEAT),
    "ring": energy(interaction=RING),
    "rounded ring": energy(interaction=ROUNDED),
    "chemotaxis": energy(interaction=LOG, internal=HEAT),
    "energy distance": energy(kernel={"kind": "energy_distance", "strength": 0.6, "target": GAUSSIAN}),
    "kernel distance": energy(kernel={"width": 0.7, "target": {**GAUSSIAN, "covariance": 0.4}}),
    "kernel distance to uniform": energy(kernel={"width": 0.9, "target": UNIFORM}),
    "samples": samples,
    "sobolev": energy(sobolev={"s": 1.0}),
    "quadratic": quadratic,
    "noisy quadratic": noisy(quadratic),
    "teacher": teacher,
    "noisy teacher": noisy(teacher),
    "data": data,
    "noisy data": noisy(data),
    "data on the fly": partial(data, memory_limit=1e-4, regularization=0.05),
    **{name: partial(data, activation=name) for name in ("tanh", "softplus", "squared_relu")},
    **{name: partial(data, loss=name, labels=True) for name in ("logistic", "softmin")},
    "spikes": spikes,
    "few spikes": partial(spikes, frequencies=1),
    "noisy spikes": noisy(spikes),
    "signed spikes": partial(spikes, signed=True, kernel="gaussian", width=0.6, noise=0.05, regularization=0.02),
    "angles": partial(spikes, axes=1, frequencies=3),
    "signed angles": partial(spikes, axes=1, signed=True, kernel="gaussian", width=0.5),
}


def angular(p: int) -> Sections:
    """An angular Gaussian."""
    return {"kind": "angular_gaussian", "covariance": (0.3 * np.eye(p) + 0.1).tolist()}


def focused(p: int) -> Sections:
    """A von Mises-Fisher measure."""
    return {"kind": "von_mises_fisher", "concentration": 2.0, "direction": np.linspace(1.0, 0.3, p).tolist()}


def pair(p: int) -> Sections:
    """Two Gaussians."""
    parts = [
        {**GAUSSIAN, "covariance": 0.1, "mean": [place] * p, "mass": mass} for place, mass in ((-0.8, 0.6), (0.7, 0.4))
    ]
    return {"kind": "mixture", "components": parts}


def side(p: int) -> Sections:
    """A Gaussian in the middle of the first axis alone."""
    return {**GAUSSIAN, "mean": [3.0, *[0.2] * (p - 1)]}


def middle(p: int) -> Sections:
    """A Gaussian in the middle of a torus."""
    return {**GAUSSIAN, "covariance": (0.3 * np.eye(p) + 0.05).tolist(), "mean": [3.0] * p, "mass": 1.2}


STARTS: Mapping[str, Callable[[int], Sections]] = {
    "gaussian": lambda p: GAUSSIAN,  # noqa: ARG005
    "uniform": lambda p: UNIFORM,  # noqa: ARG005
    "balanced": lambda p: {"kind": "balanced", "seed": 3},  # noqa: ARG005
    "pair": pair,
    "middle": middle,
    "side": side,
    "angular": angular,
    "focused": focused,
}
