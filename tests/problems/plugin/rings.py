"""A package of others: a domain and an energy that problem files may name when it is installed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from wgflow.domains import Box
from wgflow.functionals import Potential
from wgflow.registry import Argument


class Ring(Box):
    """A circle of any length, whose points are numbers."""

    kind = "ring"
    arguments: ClassVar[Mapping[str, Argument]] = {
        "length": Argument(float, "circumference", above=0.0, example=2.0),
        "cells": Argument(int, "number of cells", 64, least=4),
    }

    def __init__(self, length: float, cells: int) -> None:
        super().__init__([(0.0, length)], cells, periodic=True)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Arguments that rebuild the ring."""
        return {"length": self.bounds[0][1], "cells": self.shape[0]}


class Tide(Potential):
    """V(x) = height cos(2 pi waves x)."""

    arguments: ClassVar[Mapping[str, Argument]] = {
        "height": Argument(float, "height of the waves", 1.0),
        "waves": Argument(int, "waves in a unit of length", least=1),
    }

    def __init__(self, height: float, waves: int) -> None:
        number = 2.0 * np.pi * waves
        super().__init__(lambda x: height * np.cos(number * x[:, 0]), lambda x: -height * number * np.sin(number * x))
