"""Networks whose output weights have one sign, for targets of both."""

from __future__ import annotations

import pytest

import wgflow

HINT = r"signed = false: all output weights are positive .* go down to {}; set signed = true"


def described(problem, **domain):
    return {
        "problem": {"kind": "two_layer", **problem},
        "domain": {"kind": "circle", "cells": 8, **domain},
        "solver": {"t_end": 0.01},
    }


def test_targets_below_zero_want_both_signs():
    data = {"x": [0.0, 1.0, 2.0], "y": [1.0, 2.0, 3.0]}
    with pytest.warns(wgflow.FlowWarning, match=HINT.format("-1.22")):
        wgflow.open_problem(described({"data": data}))
    wgflow.open_problem(described({"data": data, "dataset": {"standardize": False}}))
    wgflow.open_problem(described({"data": data}, signed=True))


def test_weights_of_a_teacher_below_zero_want_both_signs():
    teacher = {"angles": [0.5, 2.9], "weights": [1.0, -0.5]}
    with pytest.warns(wgflow.FlowWarning, match=HINT.format("-0.5")):
        wgflow.open_problem(described({"data": "gaussian_teacher", "teacher": teacher}))
    teacher["weights"] = [1.0, 0.5]
    wgflow.open_problem(described({"data": "gaussian_teacher", "teacher": teacher}))
