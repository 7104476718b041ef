"""What a network predicts, and following a run while it goes on."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import wgflow
from wgflow import InputError, ShapeError

SHORT = ["output.snapshots=4", "solver.t_end=0.5"]


def test_predictions_are_the_sum_over_the_neurons():
    problem = wgflow.open_problem("el_nino", [*SHORT, "domain.cells=32"])
    trajectory = wgflow.run(problem)
    months = np.array([[1.0], [6.5]])
    inputs = problem.dataset.scaled(months)
    assert (inputs[:, 1] == 1.0).all()
    assert problem.dataset.input_shift + problem.dataset.input_scale * inputs[:, :1] == pytest.approx(months, rel=1e-13)
    measure = trajectory.measure(-1)
    expected = [
        sum(w * s * max(x @ eta, 0.0) for w, s, eta in zip(measure.weights, measure.signs, measure.points, strict=True))
        for x in inputs
    ]
    assert trajectory.predict(inputs, raw=True) == pytest.approx(expected, rel=1e-12)
    shift, scale = problem.dataset.target_shift, problem.dataset.target_scale
    assert problem.dataset.in_units(trajectory.predict(inputs, raw=True)) == pytest.approx(
        shift + scale * np.array(expected), rel=1e-13
    )


def test_predictions_on_the_data_give_the_risk(tmp_path):
    settings = [
        *SHORT,
        "problem.activation=tanh",
        "solver.kind=particles",
        "particles.count=20",
        "domain.wall_limit=1.0",
    ]
    trajectory = wgflow.run(wgflow.open_problem("regression_box", settings), tmp_path / "run.h5")
    data = wgflow.load_problem(tmp_path / "run.h5").dataset
    for index in (0, -1):
        residual = wgflow.load(tmp_path / "run.h5").predict(data.inputs, index, raw=True) - data.targets
        assert 0.5 * np.mean(residual**2) == pytest.approx(trajectory.risk[index], rel=1e-13)


def test_students_of_a_teacher_predict():
    trajectory = wgflow.run(
        wgflow.open_problem("network", ["output.snapshots=2", "solver.t_end=0.02", "particles.count=3"])
    )
    x = np.arange(5.0)
    expected = sum(p[0] * max(p[1:] @ x, 0.0) for p in trajectory.position[-1]) / 3.0
    assert trajectory.predict(x) == pytest.approx([expected], rel=1e-12)
    regularised = wgflow.run(wgflow.open_problem("teacher", [*SHORT, "domain.cells=16", "problem.regularization=0.1"]))
    assert regularised.predict([[1.0, 0.0]]).shape == (1,)


def test_what_does_not_predict_is_named():
    quadratic = wgflow.run(wgflow.open_problem("quadratic", [*SHORT, "domain.cells=16"]))
    with pytest.raises(InputError, match="OuterProduct features are no neurons"):
        quadratic.predict([[1.0, 0.0]])
    problem = wgflow.open_problem("el_nino", [*SHORT, "domain.cells=16"])
    with pytest.raises(ShapeError, match="do not fit"):
        wgflow.run(problem).predict([[1.0, 0.0, 0.0]])
    with pytest.raises(InputError, match="do not fit the input columns month"):
        problem.dataset.scaled([[1.0, 2.0]])


def test_a_run_can_be_followed(tmp_path):
    path, problem = tmp_path / "run.h5", wgflow.open_problem("quadratic", ["output.snapshots=40", "domain.cells=64"])
    started = threading.Event()
    watcher = wgflow.Observers(snapshot=[lambda _: started.set()])
    run = threading.Thread(target=wgflow.run, args=(problem, path), kwargs={"observers": watcher})
    run.start()
    started.wait()
    seen = [(trajectory.time[index], trajectory.status) for trajectory, index in wgflow.follow(path, poll=0.01)]
    run.join()
    finished = wgflow.load(path)
    assert [time for time, _ in seen] == finished.time.tolist()
    assert seen[-1][1] == "complete"


def test_predictions_are_in_the_units_of_the_data(tmp_path):
    problem = wgflow.open_problem("el_nino", [*SHORT, "domain.cells=16"])
    trajectory, data = wgflow.run(problem, tmp_path / "run.h5"), problem.dataset
    expected = data.in_units(trajectory.predict(data.scaled([[1.0], [6.5]]), raw=True))
    for months in ([1.0, 6.5], [[1.0], [6.5]], {"month": [1.0, 6.5]}, {"year": ["a", "b"], "month": [1.0, 6.5]}):
        np.testing.assert_array_equal(trajectory.predict(months), expected)
    np.testing.assert_array_equal(wgflow.load(tmp_path / "run.h5").predict([1.0, 6.5]), expected)
    temperatures = data.in_units(data.targets)
    measured = trajectory.predict(data.input_shift + data.input_scale * data.inputs[:, :1]) - temperatures
    assert 0.5 * np.mean(measured**2) == pytest.approx(trajectory.risk[-1] * data.target_scale**2, rel=1e-12)
    with pytest.warns(DeprecationWarning, match=r"month in the units of the data.*raw=True"):
        assert (trajectory.predict(data.inputs) == trajectory.predict(data.inputs, raw=True)).all()


def test_data_frames_predict():
    pandas = pytest.importorskip("pandas")
    trajectory = wgflow.run(wgflow.open_problem("el_nino", [*SHORT, "domain.cells=16"]))
    frame = pandas.DataFrame({"month": [2.0, 3.0], "temperature": [0.0, 0.0]})
    np.testing.assert_array_equal(trajectory.predict(frame), trajectory.predict([2.0, 3.0]))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ({"mnth": [1.0]}, "the input column 'month' is missing; needed are month, given mnth"),
        ({"month": ["may"]}, r"column 'month' = \['may'\] holds something that is no number"),
        ({"month": [[1.0]]}, "one-dimensional"),
        ([[1.0, 2.0]], r"shape \(1, 2\) do not fit: give a column for each of month"),
        ("may", "not numbers"),
    ],
)
def test_what_cannot_be_predicted_is_refused(x, message):
    trajectory = wgflow.run(wgflow.open_problem("el_nino", [*SHORT, "domain.cells=8"]))
    with pytest.raises(InputError, match=message):
        trajectory.predict(x)


class Waves:
    """Own features sin(w_0 x + w_1) at data points x."""

    def __init__(self, x):
        self.x = np.asarray(x, dtype=float)

    def __call__(self, points):
        return np.sin(points[:, :1] * self.x[:, 0] + points[:, 1:])

    def at_inputs(self, inputs):
        return Waves(inputs)


def test_own_features_predict_at_new_inputs():
    start = wgflow.Particles(np.array([[1.0, 0.3], [2.0, -0.5]]), np.array([0.4, 0.6]), np.ones(2))
    risk = wgflow.Features(Waves([[0.0], [1.0]]), [0.2, 0.5])
    trajectory = wgflow.simulate(risk, start, 0.5, domain=wgflow.Space(2), times=[])
    last = trajectory.position[-1]
    expected = trajectory.weight[-1] @ np.sin(last[:, :1] * np.array([0.25, 0.5]) + last[:, 1:])
    assert trajectory.predict([[0.25], [0.5]]) == pytest.approx(expected, rel=1e-13)
    with pytest.raises(InputError, match="no data set here"):
        trajectory.predict({"x": [0.25]})
