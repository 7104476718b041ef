"""Products of functionals and functions with numbers, and what is refused of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any

from wgflow.errors import InputError
from wgflow.measures.checks import described
from wgflow.text import named, shown

DIFFUSION_IS_FORWARD = "diffusion does not run backwards"
RISKS_FALL = "a flow lowers risks and distances, which have no least value the other way round"


@dataclass(frozen=True)
class Times:
    """A factor times a function, or what it makes one of."""

    factor: float
    function: Callable[..., Any]

    def __call__(self, *arguments: Any) -> Any:
        """The product at arguments."""
        return self.factor * self.function(*arguments)


@dataclass(frozen=True)
class TimesMade:
    """A function that makes functions, each times a factor."""

    factor: float
    make: Callable[..., Callable[..., Any]]

    def __call__(self, *arguments: Any) -> Times:
        """The product of the factor and the function that is made."""
        return Times(self.factor, self.make(*arguments))


def times(factor: float, function: Callable[..., Any] | None) -> Any:
    """A factor times a function; None stays None."""
    if function is None:
        return None
    if isinstance(function, Times):
        return Times(factor * function.factor, function.function)
    return Times(factor, function)


def times_made(factor: float, make: Callable[..., Any] | None) -> Any:
    """A factor times all functions that are made; None stays None."""
    if make is None:
        return None
    if isinstance(make, TimesMade):
        return TimesMade(factor * make.factor, make.make)
    return TimesMade(factor, make)


def is_number(value: object) -> bool:
    """Whether something is a finite real number, and no truth value."""
    return type(value) is not bool and isinstance(value, Real) and math.isfinite(value)


def as_factor(factor: Any, functional: object) -> float:
    """Give the factor of a functional; raises InputError unless it is a finite real number."""
    if not is_number(factor):
        raise InputError(
            f"{named(type(functional).__name__)} * {shown(factor)} is not allowed: a functional takes one finite real "
            "number as a factor"
        )
    return float(factor)


def check_positive_factor(factor: float, functional: object, why: str) -> None:
    """Raise InputError unless the factor of a functional whose flow has a direction is positive."""
    if factor <= 0.0:
        raise InputError(
            f"{factor:g} * {named(type(functional).__name__)} is not allowed: {why}; give a factor > 0, or leave it out"
        )


def refuse_sum(functional: object, sign: str, other: object, *, reflected: bool = False) -> InputError:
    """The error of a sum with something that is no functional."""
    own, strange = named(type(functional).__name__), described(other)
    text = f"{strange} {sign} {own}" if reflected else f"{own} {sign} {strange}"
    hint = (
        "a constant, which changes no flow, is left out"
        if isinstance(other, Real)
        else "a function V is wrapped, Potential(V)"
    )
    return InputError(f"{text} is not allowed: functionals take functionals alone; {hint}")
