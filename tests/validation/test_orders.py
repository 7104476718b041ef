"""Orders of convergence on circle, plane and sphere, as the validation measures them."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow.app.validation.finding import load_validation

module = load_validation("orders")
CASES = {case.name: case for case in module.CASES}


@pytest.mark.parametrize(
    ("name", "order", "sizes"),
    [
        ("circle", 2, (256, 512)),
        ("circle", 5, (128, 256)),
        ("box 2-D", 2, (64, 128)),
        ("sphere", 2, (642, 2562)),
    ],
)
def test_orders_of_convergence(name, order, sizes):
    case = CASES[name]
    rows = list(module.rows_of(case, order, {size: case.error(size, order) for size in sizes}))
    assert all(row.passed for row in rows)
    assert rows[-1].quoted


def test_first_order_is_told_only():
    rows = list(module.rows_of(CASES["circle"], 1, {128: 1e-2, 256: 5e-3}))
    assert [row.asked for row in rows] == ["", "", ""]
    assert abs(rows[-1].value - 1.0) < 1e-12


def test_errors_are_drawn(tmp_path):
    module.draw({"circle, order 2": (np.array([1e-2, 5e-3]), np.array([1e-3, 2.5e-4]))}, tmp_path / "orders.png")
    assert (tmp_path / "orders.png").exists()
