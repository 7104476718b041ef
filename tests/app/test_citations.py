"""What to cite for a run."""

from __future__ import annotations

import re

import pytest

import wgflow
from wgflow.app.citations import citations_of, format_citations

USED = {
    (): ["BachChizat2022", "GottliebShuTadmor2001", "vanLeer1977"],
    ("finite_volume.limiter=van_leer",): ["BachChizat2022", "GottliebShuTadmor2001", "vanLeer1974"],
    ("finite_volume.order=1", "finite_volume.stepper=euler"): ["BachChizat2022"],
    ("solver.kind=characteristics",): ["BachChizat2022", "HairerNorsettWanner1993"],
    ("solver.kind=particles", "particles.method=mirror", "particles.step=0.5"): ["BachChizat2022", "Chizat2022"],
    ("solver.kind=jko", "domain.cells=16"): ["BachChizat2022", "JordanKinderlehrerOtto1998", "GallouetMonsaingeon2017"],
}


def test_spheres_have_a_limiter_of_their_own():
    text = format_citations(citations_of(wgflow.open_problem("quadratic_sphere").config))
    assert re.findall(r"^@\w+{(\w+),$", text, re.MULTILINE) == [
        "BachChizat2022",
        "GottliebShuTadmor2001",
        "BarthJespersen1989",
    ]


def test_a_velocity_from_outside_makes_no_gradient_flow():
    section = {"kind": "transport", "velocity": {"kind": "rotation"}}
    initial = {"kind": "von_mises_fisher", "direction": [0.0, 1.0, 0.0], "concentration": 4.0}
    content = {"problem": section, "domain": {"kind": "sphere", "cells": 42}, "initial": initial}
    problem = wgflow.open_problem({**content, "solver": {"kind": "transport", "t_end": 1.0}})
    text = format_citations(citations_of(problem.config))
    assert re.findall(r"^@\w+{(\w+),$", text, re.MULTILINE) == ["GottliebShuTadmor2001", "SkamarockGassmann2011"]


@pytest.mark.parametrize("settings", USED)
def test_each_method_has_its_publication(settings):
    text = format_citations(citations_of(wgflow.open_problem("teacher", settings).config))
    assert re.findall(r"^@\w+{(\w+),$", text, re.MULTILINE) == USED[settings]
    assert text.count("{") == text.count("}")
    assert len(re.findall(r"^% \S", text, re.MULTILINE)) == len(USED[settings])
