"""Problem files that follow the flow of diverging mass: files, resuming, what refuses, what is cited."""

import numpy as np
import pytest

import wgflow
from wgflow.analysis.optimality.margins import variation_margin
from wgflow.app.citations import citations_of
from wgflow.errors import InputError
from wgflow.trajectory.checking import check_trajectory

SETTINGS = ["domain.cells=162", "solver.t_end=300", "output.snapshots=7"]


@pytest.fixture(scope="module")
def trajectory(tmp_path_factory):
    path = tmp_path_factory.mktemp("normalised") / "flow.h5"
    wgflow.run(wgflow.open_problem("clusters", SETTINGS), path)
    assert all(check.passed for check in check_trajectory(path))
    return wgflow.load(path)


def test_the_file_holds_the_normalised_measure_and_its_mass_as_a_logarithm(trajectory):
    features, last = trajectory.functional, trajectory[-1].fields
    masses = trajectory.density[-1] * trajectory.domain.volumes
    assert trajectory.mass == pytest.approx(np.ones(len(trajectory)), rel=1e-13)
    assert last["multipliers"].sum() == pytest.approx(1.0, rel=1e-13)
    assert last["log_mass"] > 15.0
    margins = features.targets * trajectory.predict(features.fn.inputs, raw=True)
    assert last["margin"] == pytest.approx(margins.min(), rel=1e-13)
    temperature = np.exp(-last["log_mass"])
    margins = features.targets * trajectory.predict(features.fn.inputs, raw=True)
    smooth = last["margin"] - temperature * np.log(np.exp((last["margin"] - margins) / temperature).sum())
    assert trajectory.risk[-1] == pytest.approx(-smooth, rel=4.8e-12)
    best = variation_margin(features.fn.inputs, features.targets)
    assert 0.85 * best.margin < last["margin"] <= best.upper_bound
    points = trajectory.domain.base.points
    rising = features.features(points) @ (features.targets * last["multipliers"])
    assert np.allclose(trajectory.potential(-1), np.stack([-rising, rising]), rtol=1e-12)
    assert trajectory.min_potential[-1] == pytest.approx(trajectory.potential(-1).min(), rel=1e-13)
    assert masses.sum() == pytest.approx(1.0, rel=1e-13)


@pytest.mark.parametrize("loss", ["softmin", "logistic"])
def test_a_resumed_run_is_bit_identical(tmp_path, loss):
    settings = ["domain.cells=42", "solver.t_end=60", "output.snapshots=5", f"problem.loss={loss}"]
    whole = wgflow.run(wgflow.open_problem("clusters", settings), tmp_path / "whole.h5")
    times = ", ".join(repr(float(time)) for time in whole.time[1:3])
    part = [*settings, "solver.t_end=" + repr(float(whole.time[2])), f"output.times=[{times}]"]
    wgflow.run(wgflow.open_problem("clusters", part), tmp_path / "part.h5")
    resumed = wgflow.run(wgflow.open_problem("clusters", settings), tmp_path / "part.h5", resume=True)
    assert resumed.time.tolist() == whole.time.tolist()
    for name in whole.fields:
        assert np.array_equal(resumed.fields[name], whole.fields[name]), name
    assert np.array_equal(resumed.energy, whole.energy)


def test_a_checkpoint_within_an_interval_goes_on_to_the_same_bits():
    problem = wgflow.open_problem("clusters", SETTINGS)
    one = problem.make_evolution()
    one.begin_interval(60.0)
    for _ in range(4):
        one.step()
    other = problem.make_evolution()
    other.restore(one.checkpoint())
    while one.time < 60.0:
        one.step()
        other.step()
    assert one.time == other.time == 60.0
    for name, values in one.snapshot().fields.items():
        assert np.array_equal(values, other.snapshot().fields[name]), name


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("problem.loss=square", r'loss = "square" is least at a finite mass'),
        ("problem.regularization=0.1", r"regularization = 0\.1 bounds the mass"),
        ("problem.temperature=0.1", r'has no solver "normalised"'),
        ("solver.reaction=0", "needs a mass that grows, but the reaction is 0"),
        ("normalised.tau=0", "tau"),
        ("normalised.order=5", "order"),
    ],
)
def test_what_cannot_diverge_is_refused(setting, message):
    with pytest.raises(InputError, match=message):
        wgflow.open_problem("clusters", [*SETTINGS, setting])


def test_other_problems_are_refused():
    with pytest.raises(InputError, match=r'networks that classify data; found .* data = "gaussian_teacher"'):
        wgflow.open_problem("teacher", ["solver.kind=normalised"])
    with pytest.raises(InputError, match=r'found .problem. kind = "quadratic"'):
        wgflow.open_problem("quadratic", ["solver.kind=normalised"])


def test_certify_refuses_and_says_what_is_known(trajectory):
    with pytest.raises(InputError, match=r"its mass grows without end\. Its margin is 0\.0"):
        wgflow.certify_trajectory(trajectory)


def test_what_is_cited():
    cited = "".join(citation.bibtex for citation in citations_of(wgflow.open_problem("clusters").config))
    assert "ChizatBach2020" in cited
    assert "Rockafellar1976" in cited
