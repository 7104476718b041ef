"""Kinds of things that other packages add through entry points."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from wgflow import FlowWarning, InputError
from wgflow.registry import Registry

PLUGIN = Path(__file__).parent / "plugin"
RUN = """
import json, sys, wgflow
from wgflow.problems.documentation import key_table
from wgflow.problems.template import problem_template
flow = wgflow.run(sys.argv[1], sys.argv[2])
said = []
for setting in ("problem.tide={}", "domain.length=-1.0", "domain.kind=rign"):
    try:
        wgflow.open_problem(sys.argv[1], [setting])
    except wgflow.InputError as error:
        said.append(str(error))
print(json.dumps({
    "status": flow.status, "energy": flow.energy.tolist(), "kind": flow.domain.kind, "said": said,
    "potential": wgflow.load(sys.argv[2]).potential(0)[0, None].tolist(),
    "row": "| `problem.tide.waves` | integer >= 1 | required |" in key_table(),
    "template": "length = 2.0" in problem_template("energy", "ring"),
}))
"""


def test_a_package_adds_a_domain_and_an_energy(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PLUGIN), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-c", RUN, str(PLUGIN / "tide.toml"), str(tmp_path / "run.h5")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert not done.stderr
    found = json.loads(done.stdout)
    assert found["status"] == "complete"
    assert found["kind"] == "ring"
    assert found["energy"][1] < found["energy"][0]
    assert found["row"]
    assert found["template"]
    missing, negative, unknown = found["said"]
    assert "[problem.tide] waves is missing; give waves = ... (waves in a unit of length)" in missing
    assert "[domain] length = -1.0 is not allowed; allowed is greater than 0" in negative
    assert "[domain] kind = 'rign' is not allowed; allowed are 'circle'" in unknown


def installed(folder: Path, points: str) -> None:
    """Write what an installed package has beside its modules."""
    information = folder / "odd-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[wgflow.tests]\n{points}\n")
    (folder / "odd_module.py").write_text("value = 3\n")


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ("three = no_such_module:value", "No module named 'no_such_module'"),
        ("three = odd_module:nothing", "has no attribute 'nothing'"),
        ("one = odd_module:value", "there is another 'one'"),
        ("three = odd_module:value", "3 is odd"),
    ],
)
def test_a_broken_package_is_named_and_left_out(tmp_path, monkeypatch, points, message):
    def adopt(_: str, value: int) -> int:
        raise InputError(f"{value} is odd")

    installed(tmp_path, points)
    monkeypatch.syspath_prepend(tmp_path)
    numbers = Registry("number", {"one": 1, "two": 2}, group="wgflow.tests", adopt=adopt)
    with pytest.warns(FlowWarning, match=rf"of the package odd is left out: .*{message}; update or remove"):
        assert list(numbers) == ["one", "two"]
    assert numbers["one"] == 1


def test_names_are_looked_up_with_a_guess():
    numbers = Registry("number", {"one": 1, "two": 2})
    assert numbers.get("three") is None
    assert 3 not in numbers
    with pytest.raises(InputError, match=r"number 'tow' is unknown; choose one of one, two \(did you mean 'two'\?\)"):
        numbers["tow"]
