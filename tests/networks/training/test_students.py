"""Students trained side by side, against a plain loop over samples and neurons."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import ks_2samp

from tests.references import central_difference
from wgflow.errors import ComputationError, InputError, ShapeError
from wgflow.networks import Teacher
from wgflow.networks.training.students import Students, StudentTraining, draw_students, draw_teacher


def plain_descent(outputs, inputs, teacher, batches, output_rate, input_rate):
    """One network, sample by sample, as the formula says."""
    a, b, m = outputs.copy(), inputs.copy(), len(outputs)
    for batch in batches:
        slope_a, slope_b = np.zeros(m), np.zeros_like(b)
        for x in batch:
            y = teacher.weights @ np.maximum(teacher.directions @ x, 0.0)
            error = (a @ np.maximum(b @ x, 0.0)) / m - y
            for j in range(m):
                slope_a[j] += error * max(b[j] @ x, 0.0)
                slope_b[j] += error * a[j] * (b[j] @ x > 0.0) * x
        a -= output_rate * slope_a / len(batch)
        b -= input_rate * slope_b / len(batch)
    return a, b


@pytest.mark.parametrize(("precision", "accuracy"), [("float64", 1e-12), ("float32", 1e-4)])
def test_training_is_the_formula_for_each_width(precision, accuracy):
    generator = np.random.default_rng(3)
    teacher, students = draw_teacher(3, 4, generator), draw_students([1, 2, 5], 4, generator)
    descent = StudentTraining(20, batch=7, output_rate=0.05, input_rate=0.3, precision=precision)
    trained = descent.train(students, teacher, np.random.default_rng(9))
    dtype = np.float64 if precision == "float64" else np.float32
    source = np.random.default_rng(9)
    batches = [source.standard_normal((7, 4), dtype=dtype).astype(float) for _ in range(20)]
    for k in range(3):
        own = slice(*students.starts[k : k + 2])
        a, b = plain_descent(students.outputs[own], students.inputs[own], teacher, batches, 0.05, 0.3)
        assert abs(trained.outputs[own] - a).max() < accuracy
        assert abs(trained.inputs[own] - b).max() < accuracy


def test_a_width_learns_the_same_whatever_is_trained_beside_it():
    """Common random numbers do not change the law of a width: only its own start and the samples act on it."""
    generator = np.random.default_rng(4)
    teacher, students = draw_teacher(2, 3, generator), draw_students([2, 4, 3], 3, generator)
    descent = StudentTraining(50, batch=10, output_rate=0.1, input_rate=0.1)
    together = descent.train(students, teacher, np.random.default_rng(1))
    own = slice(*students.starts[1:3])
    alone = Students(students.outputs[own], students.inputs[own], np.array([4]))
    apart = descent.train(alone, teacher, np.random.default_rng(1))
    assert abs(together.outputs[own] - apart.outputs).max() < 1e-13
    assert abs(together.inputs[own] - apart.inputs).max() < 1e-13


def test_with_samples_of_its_own_each_width_is_trained_alone():
    generator = np.random.default_rng(4)
    teacher, students = draw_teacher(2, 3, generator), draw_students([2, 4, 3], 3, generator)
    descent = StudentTraining(50, batch=10, output_rate=0.1, input_rate=0.1)
    apart = replace(descent, common_samples=False).train(students, teacher, np.random.default_rng(1))
    sources = np.random.default_rng(1).spawn(3)
    for alone, source, trained in zip(students.apart(), sources, apart.apart(), strict=True):
        expected = descent.train(alone, teacher, source)
        assert np.array_equal(trained.outputs, expected.outputs)
        assert np.array_equal(trained.inputs, expected.inputs)


def final_risks(descent, teacher, repetitions, first_seed):
    """Risks of students of 2, 3 and 5 neurons with random starts, shape (repetitions, 3)."""
    risks = []
    for seed in range(first_seed, first_seed + repetitions):
        generator = np.random.default_rng(seed)
        students = draw_students([2, 3, 5], 2, generator)
        risks.append(descent.train(students, teacher, generator).risks(teacher))
    return np.array(risks)


def test_the_law_of_each_width_does_not_depend_on_common_samples():
    """Two-sample Kolmogorov-Smirnov tests of final risks, at the level 1e-3; they tell 4 steps from 2 at 1e-4."""
    teacher = Teacher.from_angles([0.3, 2.0], [1.0, -1.0])
    descent = StudentTraining(4, batch=5, output_rate=0.3, input_rate=0.3)
    common = final_risks(descent, teacher, 400, 0)
    independent = final_risks(replace(descent, common_samples=False), teacher, 400, 400)
    shorter = final_risks(replace(descent, iterations=2), teacher, 400, 800)
    assert min(ks_2samp(common[:, k], independent[:, k]).pvalue for k in range(3)) > 1e-3
    assert max(ks_2samp(common[:, k], shorter[:, k]).pvalue for k in range(3)) < 1e-4


def kernel_sums(points, sources, masses):
    """Sums of the arc-cosine kernel and their gradients, pair by pair."""
    values, slopes = np.zeros(len(points)), np.zeros_like(points)
    for i, u in enumerate(points):
        for v, mass in zip(sources, masses, strict=True):
            a, b = np.linalg.norm(u), np.linalg.norm(v)
            p = np.arccos(np.clip(u @ v / (a * b), -1.0, 1.0))
            values[i] += mass * a * b * (np.sin(p) + (np.pi - p) * np.cos(p)) / (2.0 * np.pi)
            slopes[i] += mass * (b * np.sin(p) * u / a + (np.pi - p) * v) / (2.0 * np.pi)
    return values, slopes


@pytest.mark.parametrize("dimension", [3, 12])
def test_descent_without_samples_is_the_gradient_of_the_population_risk(dimension):
    """Below and above the number of neurons of student and teacher; the teacher's neurons have any length."""
    generator = np.random.default_rng(7)
    teacher = Teacher(generator.standard_normal((3, dimension)), np.array([1.0, -2.0, 0.5]))
    students = draw_students([1, 2, 5], dimension, generator)
    trained = StudentTraining(20, None, output_rate=0.05, input_rate=0.3).train(students, teacher, generator)
    for student, end in zip(students.apart(), trained.apart(), strict=True):
        a, b, m = student.outputs.copy(), student.inputs.copy(), len(student.outputs)
        for _ in range(20):
            sources = np.concatenate([b, teacher.directions])
            values, slopes = kernel_sums(b, sources, np.concatenate([a / m, -teacher.weights]))
            a, b = a - 0.05 * values, b - 0.3 * a[:, None] * slopes
        assert abs(end.outputs - a).max() < 1e-14
        assert abs(end.inputs - b).max() < 2.3e-14


def test_descent_without_samples_is_the_limit_of_large_batches():
    generator = np.random.default_rng(9)
    teacher, students = draw_teacher(2, 3, generator), draw_students([4], 3, generator)
    descent = StudentTraining(1, 400_000, output_rate=0.5, input_rate=0.5)
    many = descent.train(students, teacher, generator)
    all_samples = replace(descent, batch=None).train(students, teacher, generator)
    for name in ("outputs", "inputs"):
        moved = getattr(all_samples, name) - getattr(students, name)
        assert abs(getattr(many, name) - getattr(students, name) - moved).max() < 0.02 * abs(moved).max()


def test_risks_are_those_of_the_population():
    """Against a Monte Carlo mean over inputs."""
    generator = np.random.default_rng(5)
    teacher, students = draw_teacher(3, 3, generator), draw_students([2, 6], 3, generator)
    x = generator.standard_normal((400_000, 3))
    y = np.maximum(x @ teacher.directions.T, 0.0) @ teacher.weights
    for k, risk in enumerate(students.risks(teacher)):
        own = slice(*students.starts[k : k + 2])
        h = np.maximum(x @ students.inputs[own].T, 0.0) @ students.outputs[own] / students.widths[k]
        assert risk == pytest.approx(0.5 * ((h - y) ** 2).mean(), rel=0.002)


def test_one_step_goes_down_the_mean_field_gradient():
    """With very many samples a step is the gradient of the risk, times the width."""
    generator = np.random.default_rng(6)
    teacher, students = draw_teacher(2, 2, generator), draw_students([3], 2, generator)
    rate = 1e-3
    descent = StudentTraining(1, batch=400_000, output_rate=rate, input_rate=rate)
    trained = descent.train(students, teacher, generator)

    def risk(s):
        moved = students.outputs.copy()
        moved[1] += s
        return Students(moved, students.inputs, students.widths).risks(teacher)[0]

    expected = -rate * 3 * central_difference(risk, 1e-3)
    assert trained.outputs[1] - students.outputs[1] == pytest.approx(expected, rel=0.0073)


def test_a_student_of_the_right_shape_finds_a_teacher_of_one_neuron():
    generator = np.random.default_rng(8)
    teacher = Teacher([[1.0, 0.0]], [1.0])
    students = Students(np.ones(4), np.array([[0.6, 0.8], [0.8, -0.6], [0.0, 1.0], [0.0, -1.0]]), np.array([4]))
    before = students.risks(teacher)[0]
    trained = StudentTraining(3000, batch=50, output_rate=0.05, input_rate=0.05).train(students, teacher, generator)
    assert trained.risks(teacher)[0] < 1e-3 * before


class TestErrors:
    @pytest.mark.parametrize("change", [{"batch": 0}, {"output_rate": -1.0}, {"input_rate": np.inf}, {"iterations": 0}])
    def test_options_are_positive(self, change):
        with pytest.raises(InputError, match=f"{next(iter(change))} = .* is not allowed"):
            StudentTraining(**{"iterations": 1, **change})

    def test_precisions_are_known(self):
        with pytest.raises(InputError, match="precision = 'half' is unknown"):
            StudentTraining(1, precision="half")

    def test_shapes_fit(self):
        with pytest.raises(ShapeError, match="add up to 3"):
            Students(np.ones(2), np.ones((2, 2)), np.array([3]))
        with pytest.raises(InputError, match="widths"):
            Students(np.ones(0), np.ones((0, 2)), np.array([0]))
        generator = np.random.default_rng(0)
        with pytest.raises(ShapeError, match="2 inputs cannot learn a teacher of 3"):
            StudentTraining(1).train(draw_students([2], 2, generator), draw_teacher(1, 3, generator), generator)

    def test_divergence_is_an_error(self):
        generator = np.random.default_rng(0)
        with pytest.raises(ComputationError, match="diverged"), np.errstate(all="ignore"):
            StudentTraining(200, batch=2, output_rate=50.0, input_rate=50.0).train(
                draw_students([3], 2, generator), draw_teacher(1, 2, generator), generator
            )
