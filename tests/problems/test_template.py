"""Problem files that `wgflow new` writes."""

from __future__ import annotations

import re
import tomllib
from itertools import pairwise

import pytest

import wgflow
from wgflow import InputError
from wgflow.app.cli import _exit_code
from wgflow.problems.template import problem_template, write_template

DOMAINS = ("circle", "sphere", "box", "space", "hypersphere")
for_every_template = pytest.mark.parametrize(
    ("problem", "domain"),
    [(problem, domain) for problem in ("two_layer", "quadratic", "energy") for domain in DOMAINS]
    + [("deconvolution", "circle"), ("deconvolution", "box"), ("transport", "sphere")],
)


def uncommented(text):
    """The file with each default that has a value put in force."""
    lines = text.splitlines()
    return "\n".join(
        line[1:] if line.startswith("#") and line[1:2].isalpha() and not line.endswith("=") else line for line in lines
    )


@for_every_template
def test_each_template_runs_and_its_defaults_are_the_true_ones(problem, domain):
    text = problem_template(problem, domain)
    short = ["solver.t_end=0.01", "output.snapshots=2", "particles.count=10"]
    if domain == "box":
        short.append("domain.shape=[16, 16]")
    if domain in ("circle", "sphere"):
        short.append("domain.cells=42")
    trajectory = wgflow.run(wgflow.open_problem(tomllib.loads(text), short))
    assert trajectory.status == "complete"
    assert trajectory.energy[-1] < trajectory.energy[0]
    # With every default written out it is still the same problem.
    full = wgflow.open_problem(tomllib.loads(uncommented(text)), short)
    assert full.config == wgflow.open_problem(tomllib.loads(text), short).config


def test_every_key_is_explained():
    for before, line in pairwise(problem_template("two_layer", "circle").splitlines()):
        if "=" in line and not line.startswith(("# ", "[", "kind")):
            assert before.startswith("# ")


def test_what_is_no_flow_has_no_particles():
    assert "\n[particles]" in problem_template("quadratic", "sphere")
    assert "\n[particles]" not in problem_template("transport", "sphere")


def test_what_is_no_flow_offers_no_keys_of_flows():
    """They are refused there: whoever takes the comment sign away must not be told so."""
    offered = set(re.findall(r"^#(\w+) =", problem_template("transport", "sphere"), re.MULTILINE))
    assert "wall_time" in offered
    assert not offered & {"transport", "reaction", "stationarity"}
    flow = set(re.findall(r"^#(\w+) =", problem_template("energy", "sphere"), re.MULTILINE))
    assert flow >= {"transport", "reaction", "stationarity"}


def test_bounds_are_written_as_one_writes_them():
    lines = problem_template("two_layer", "circle").splitlines()
    assert "# number of cells on each sheet; integer >= 4, <= 2^26" in lines
    assert "# seed of the draw of particles; integer >= 0, < 2^63" in lines


def test_files_that_exist_are_kept(tmp_path):
    path = tmp_path / "mine.toml"
    write_template("two_layer", "circle", path)
    with pytest.raises(InputError, match="exists; choose another name"):
        write_template("quadratic", "circle", path)
    assert "two_layer" in path.read_text()
    with pytest.raises(InputError, match=r"the folder .* does not exist"):
        write_template("quadratic", "circle", tmp_path / "no" / "mine.toml")


@pytest.mark.parametrize(
    ("problem", "domain", "message"),
    [
        (
            "network",
            "circle",
            "problem kind 'network' is unknown; choose one of two_layer, quadratic, energy, deconvolution",
        ),
        ("quadratic", "torus", "domain kind 'torus' is unknown; choose one of circle"),
    ],
)
def test_unknown_kinds_are_named(problem, domain, message):
    with pytest.raises(InputError, match=message):
        problem_template(problem, domain)


def test_help_names_all_kinds(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["wgflow", "new", "--help"])
    monkeypatch.setenv("COLUMNS", "200")
    assert _exit_code() == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "two_layer, quadratic, energy, deconvolution or transport." in text
    assert all(domain in text for domain in DOMAINS)
