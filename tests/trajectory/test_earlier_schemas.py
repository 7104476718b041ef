"""Files that version 0.1 wrote (schema 2): they are read, and continued with new step control.

All but ``complete`` were interrupted behind the output at t = 2 of a run to t = 4.
"""

from __future__ import annotations

import lzma
from pathlib import Path

import numpy as np
import pytest

import wgflow
from wgflow.errors import InputError
from wgflow.trajectory.checking import check_trajectory

FILES = sorted(Path(__file__).parent.glob("schema_2/*.h5.xz"))
# Of the density or weights, by step control; of explicit runs by the errors in time that they had before.
ERRORS = {
    "explicit": 8e-4,
    "complete": 1.5e-3,
    "implicit": 2e-6,
    "particles": 4e-6,
    "characteristics": 4.8e-7,
    "jko": 1e-14,
    "linearised": 1e-14,
}
pytestmark = pytest.mark.filterwarnings("ignore::wgflow.WallWarning")


@pytest.fixture(params=[path.name.removesuffix(".h5.xz") for path in FILES])
def file(request, tmp_path):
    """A file of an earlier run, by name."""
    path = tmp_path / f"{request.param}.h5"
    path.write_bytes(lzma.decompress((FILES[0].parent / f"{request.param}.h5.xz").read_bytes()))
    return path


def sections(path, **settings):
    """The problem of a file as a person writes it, without what are defaults."""
    config = wgflow.load_problem(path).config.model_dump(exclude_none=True)
    if config["finite_volume"]["stepper"] == "ssprk3":
        del config["finite_volume"]["stepper"]
    del config["finite_volume"]["tolerance"]
    for key, value in settings.items():
        section, name = key.split("__")
        config[section][name] = value
    return config


def state(trajectory):
    """What moves, at the end."""
    return trajectory.fields["density" if "density" in trajectory.fields else "weight"][-1]


def test_they_are_in_order_and_can_be_continued(file):
    assert all(check.passed for check in check_trajectory(file))
    before = wgflow.load(file)
    scheduled = {name: np.array(values[: before.scheduled]) for name, values in before.fields.items()}
    begins = f"begins anew at t = {before.time[before.scheduled - 1]:g}"
    problem = sections(file, solver__t_end=5.0, output__times=[2.0, 4.0, 5.0])
    with pytest.warns(wgflow.ResumeWarning, match=begins):
        trajectory = wgflow.run(problem, file, resume=True)
    assert trajectory.status == "complete"
    np.testing.assert_array_equal(trajectory.time, [0.0, 2.0, 4.0, 5.0])
    for name, values in scheduled.items():
        np.testing.assert_array_equal(trajectory.fields[name][: before.scheduled], values)
    whole = wgflow.run(wgflow.load_problem(file))
    largest = np.abs(state(whole)).max()
    np.testing.assert_allclose(state(trajectory), state(whole), rtol=0.0, atol=ERRORS[file.stem] * largest)
    assert all(check.passed for check in check_trajectory(file))


def test_they_keep_their_stepper(file):
    """What was a default then is accepted where a problem leaves it out, and refused where it says another."""
    stored = wgflow.load_problem(file).config.finite_volume
    if stored.stepper != "ssprk3":
        return
    with pytest.raises(InputError, match=r"holds another problem: finite_volume\.stepper = 'ssprk3' there"):
        wgflow.run({**sections(file), "finite_volume": {"stepper": "ssprk43"}}, file, resume=True)
    with pytest.warns(wgflow.ResumeWarning):
        wgflow.run(sections(file, solver__t_end=5.0), file, resume=True)
    assert wgflow.load_problem(file).config.finite_volume == stored


def test_a_second_leg_is_bit_identical(file):
    """Once it has gone on with the present version, nothing is lost any more."""
    problem = sections(file, solver__t_end=6.0, output__times=[2.0, 4.0, 5.0, 6.0])
    other = file.with_name("other.h5")
    other.write_bytes(file.read_bytes())
    with pytest.warns(wgflow.ResumeWarning):
        whole = wgflow.run(problem, other, resume=True)
    with pytest.warns(wgflow.ResumeWarning):
        wgflow.run(sections(file, solver__t_end=5.0, output__times=[2.0, 4.0, 5.0]), file, resume=True)
    trajectory = wgflow.run(problem, file, resume=True)
    np.testing.assert_array_equal(state(trajectory), state(whole))
    np.testing.assert_array_equal(trajectory.steps["time"], whole.steps["time"])
