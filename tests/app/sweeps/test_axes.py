"""Axes of sweeps: notations, errors, labels and coordinates."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow.app.sweeps.axes import Axis, axis_differences, make_axes, parse_over, parse_values
from wgflow.errors import InputError


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0:4", [0, 1, 2, 3]),
        (" 1:8:3 ", [1, 4, 7]),
        ("3:0:-1", [3, 2, 1]),
        ("-2:1", [-2, -1, 0]),
        ("0:1:0.1", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]),  # exactly these, without round-off
        ("0:2:0.5", [0.0, 0.5, 1.0, 1.5]),
        ("1.0:3", [1.0, 2.0]),
        ("1:3:1.0", [1.0, 2.0]),
        ("32:4096:x2", [32, 64, 128, 256, 512, 1024, 2048]),
        ("32:4097:x2", [32, 64, 128, 256, 512, 1024, 2048, 4096]),
        ("16:1:x0.5", [16, 8, 4, 2]),
        ("1:10:x1.5", [1.0, 1.5, 2.25, 3.375, 5.0625, 7.59375]),
        ("1e-4:1:x10", [1e-4, 1e-3, 1e-2, 1e-1]),
        ("5", [5]),
        ("5,20", [5, 20]),
        ("0.5, 1e-3", [0.5, 0.001]),
        ("minmod,mc", ["minmod", "mc"]),
        ('"a,b", "c"', ["a,b", "c"]),
        ("true,false", [True, False]),
        ("[8, 8],[16, 16]", [[8, 8], [16, 16]]),
        ("a:b", ["a:b"]),
    ],
)
def test_values(text, values):
    parsed = parse_values("key", text)
    assert parsed == values
    assert [type(value) for value in parsed] == [type(value) for value in values]


@pytest.mark.parametrize("text", ["3:3", "3:0", "0:3:-1", "1:8:x0.5", "0:8:x2", "8:1:x2", "-1:8:x2"])
def test_ranges_that_hold_nothing(text):
    with pytest.raises(InputError, match=f"the range key={text} is empty"):
        parse_values("key", text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0:3:0", "has no end"),
        ("1:8:x1", "has no end"),
        ("0:1:1e-9", r"has 1e\+09 values"),
        ("0:1000000", "has 1000000 values"),
        ("1:1e300:x1.0001", "has 6908101 values"),
        ("0:1:1e999999", "has a number that is too large"),
        ("0:1e999999", "has a number that is too large"),
        ("9" * 5000 + ":1", "has a number that is too large"),
    ],
)
def test_ranges_that_hold_too_much_are_refused_at_once_with_the_count(text, found):
    with pytest.raises(InputError, match=rf"key=.*{found}"):
        parse_values("key", text)


@pytest.mark.parametrize("text", ["[" * 5000, "9" * 5000, "1,0x" + "f" * 5000, "1" * 90000 + "z:1"])
def test_values_that_python_cannot_hold(text):
    with pytest.raises(InputError, match=r"^key: "):
        parse_values("key", text)


@pytest.mark.parametrize("text", ["a,,b", '"a,b', "[1,2", "minmod,"])
def test_values_that_cannot_be_read(text):
    with pytest.raises(InputError, match=r"key: the value .* cannot be read"):
        parse_values("key", text)


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({}, "at least one axis"),
        ({"seed": [1]}, "'seed' is not of the form section.key"),
        ({"initial.": [1]}, "'initial.' is not of the form"),
        ({"initial.seed": []}, "initial.seed has no values"),
        ({"initial.seed": [1, 2, 1]}, "initial.seed takes the value 1 twice"),
        ({"initial.seed": [None]}, "initial.seed = None is not allowed"),
        ({"initial.seed": range(2000), "particles.count": range(2000)}, "the axes make 4000000 runs"),
    ],
)
def test_axes_that_are_not_allowed(over, message):
    with pytest.raises(InputError, match=message):
        make_axes(over)


def test_axes_take_arrays():
    (axis,) = make_axes({"solver.t_end": np.linspace(0.5, 1.0, 2)})
    assert axis == Axis("solver.t_end", (0.5, 1.0))
    assert isinstance(axis.values[0], float)
    (axis,) = make_axes({"domain.shape": [np.array([4, 4]), (8, 8)]})
    assert axis.values == ([4, 4], [8, 8])


def test_options_of_the_command_line():
    assert parse_over(["initial.seed=0:3", "a.b = x=1"]) == {"initial.seed": "0:3", "a.b": "x=1"}
    for option in ("initial.seed", "initial.seed="):
        with pytest.raises(InputError, match="is not of the form"):
            parse_over([option])
    with pytest.raises(InputError, match=r"--over a\.b is given twice"):
        parse_over(["a.b=1", "a.b=2"])


def test_labels_are_fit_for_files_and_different():
    assert Axis("k", (1, -2, 0.5, True, "a b/c")).labels == ("1", "-2", "0.5", "true", "a_b_c")
    assert Axis("k", ("a", "A", "b")).labels == ("a_v0", "A_v1", "b")
    assert Axis("k", ("a b", "a/b")).labels == ("a_b_v0", "a_b_v1")
    assert Axis("k", ("short", "x" * 25)).labels == ("short", "x" * 21 + "_v1")
    assert Axis("k", ([64, 32], [1.0], [])).labels == ("64_32", "1.0", "none")
    assert Axis("k", ([[1, -2], [3, 4]], [1, -2, 3, 4])).labels == ("1_-2__3_4", "1_-2_3_4")
    assert Axis("k", ("a b", "a/b", "a_b_v1")).labels == ("v0", "v1", "v2")


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ((3, 1), "i", [3, 1]),
        ((1, 0.5), "f", [1.0, 0.5]),
        ((True, False), "b", [True, False]),
        (("a", "bc"), "U", ["a", "bc"]),
        ((1, "a"), "U", ["1", "a"]),
        ((True, 1), "U", ["true", "1"]),
    ],
)
def test_coordinates(values, kind, expected):
    coordinates = Axis("k", values).coordinates
    assert coordinates.dtype.kind == kind
    assert coordinates.tolist() == expected
    assert Axis("k", ([1, 2], [3])).coordinates.ndim == 1


def test_differences():
    first, second = Axis("a.b", (1, 2)), Axis("c.d", tuple(range(9)))
    assert axis_differences([first, second], [first, second]) == []
    assert axis_differences([first], [Axis("a.b", (1, 3))]) == ["a.b: 2 values 1, 2 there, 2 values 1, 3 here"]
    assert axis_differences([], [second]) == ["c.d: no axis there, 9 values 0, 1, 2, ..., 7, 8 here"]
    assert axis_differences([first, second], [second, first]) == [
        "the order of the axes: a.b, c.d there, c.d, a.b here"
    ]
