"""What functions that users give must be: checked before anything is computed, in the same words everywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from wgflow.errors import InputError, ShapeError, WgflowError
from wgflow.measures.checks import described, real_values
from wgflow.text import named, shown
from wgflow.typing import FloatArray

DIFFERENCE_STEP = 1e-4  # of central differences, relative
AGREEMENT, MOST_KINKS = 1e-3, 0.2  # with them, relative; share of places at kinks


def check_callable(what: str, function: object, example: str) -> None:
    """Raise InputError unless something can be called."""
    if not callable(function):
        raise InputError(f"{what} is {described(function)}, which is no function; give one, e.g. {example}")


def called(what: str, function: Callable[..., Any], *arrays: FloatArray, shape: tuple[int, ...]) -> Any:
    """Call a function of the user; raises InputError where it does not take arrays."""
    try:
        return function(*arrays)
    except WgflowError:
        raise
    except (TypeError, ValueError, IndexError) as error:
        raise InputError(
            f"{what} does not take arrays of shape {arrays[0].shape} ({type(error).__name__}: {named(error)}); "
            f"write it with numpy functions, to values of shape {shape}"
        ) from error


def values_of(
    what: str,
    function: Callable[..., Any],
    points: FloatArray,
    shape: tuple[int, ...],
    *,
    of: str = "points",
    hint: str = "",
    finite: str = "",
) -> FloatArray:
    """Values of a function of the user at points, checked.

    Parameters
    ----------
    what : str
        What an error calls it.
    function : callable
        Points to values.
    points : array
        Where.
    shape : tuple of int
        What the shape of the values must be.
    of, hint, finite : str
        What an error calls the points, and adds where the shape, or a value, is not allowed.

    Raises
    ------
    InputError, ShapeError
        If it takes no arrays, or the values are not finite real numbers of the shape.
    """
    values = real_values(what, called(what, function, points, shape=shape))
    if values.shape != shape:
        verb = "have" if what.endswith("features") else "has"
        raise ShapeError(f"{what} of {points.shape} {of} {verb} shape {values.shape}; allowed is {shape}{hint}")
    if not np.isfinite(values).all():
        raise InputError(f"{what} returned a value that is not finite{finite}")
    return values


def own_gradient(what: str, function: object, gradient: Any) -> Callable[[FloatArray], FloatArray] | None:
    """Give the gradient of a function: the one that is given with it, else its own method of this name, or None."""
    found = getattr(function, "gradient", None) if gradient is None else gradient
    if found is not None and not callable(found):
        raise InputError(f"gradient = {shown(found)} of {what} is no function; give one, or leave it out")
    return found


def parts_of(what: str, given: Any, derivatives: Mapping[str, Any], example: str) -> tuple[Callable[..., Any], ...]:
    """A function and its derivatives: given one by one, or as methods of an object or a class.

    Parameters
    ----------
    what : str
        What an error calls the function.
    given : object
        The function, or an object or class with the method ``value``; a class is made without arguments.
    derivatives : mapping
        The derivatives by name; None for those that are methods.
    example : str
        How an error says it is written.

    Raises
    ------
    InputError
        If one of them is missing.
    """
    owner = made(what, given)
    value = getattr(owner, "value", owner)
    found = {"value": value} | {
        name: getattr(owner, name, own) if own is None else own for name, own in derivatives.items()
    }
    missing = [name for name, part in found.items() if not callable(part)]
    if missing:
        raise InputError(
            f"{what}, {described(given)}, has no {' and no '.join(missing)}; write {example}, or give an object or "
            f"class with the methods {', '.join(found)}"
        )
    return tuple(found.values())


def made(what: str, given: Any) -> Any:
    """An object: that of a class, made without arguments, or the given one."""
    if not isinstance(given, type):
        return given
    try:
        return given()
    except TypeError as error:
        raise InputError(f"{what} {given.__name__} needs arguments ({named(error)}); give an object of it") from error


def check_derivative(
    what: str, function: Callable[..., Any], derivative: Callable[..., Any], places: FloatArray, *others: FloatArray
) -> FloatArray:
    """Give a derivative at places (N,), checked against central differences of the function.

    Kinks are allowed: few places may disagree.

    Raises
    ------
    InputError, ShapeError
        If one of both is not vectorised or not finite, or the derivative is another one.
    """
    step = DIFFERENCE_STEP * np.maximum(np.abs(places), DIFFERENCE_STEP)

    def at(name: str, part: Callable[..., Any], moved: FloatArray) -> FloatArray:
        return values_of(name, lambda x: part(x, *others), moved, places.shape, of="numbers")

    low, high = at(what, function, places - step), at(what, function, places + step)
    slopes, expected = at(f"the derivative of {what}", derivative, places), (high - low) / (2.0 * step)
    round_off = 1e-15 * np.maximum(np.abs(low), np.abs(high)) / step
    wrong = (
        np.abs(slopes - expected) > AGREEMENT * np.maximum(np.abs(slopes), np.abs(expected)) + 10.0 * round_off + 1e-8
    )
    if wrong.mean() > MOST_KINKS:
        worst = int(np.argmax(wrong))
        raise InputError(
            f"the derivative of {what} is {slopes[worst]:g} at {places[worst]:g}, where differences give "
            f"{expected[worst]:g}; correct it"
        )
    return slopes
