"""Box, sphere and particles agree."""

from __future__ import annotations

from wgflow.app.validation import Setting
from wgflow.app.validation.finding import load_validation

module = load_validation("three_ways")


def test_box_sphere_and_particles_agree(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SPHERES", (162, 642, 2562))
    monkeypatch.setattr(module, "REFINEMENTS", {True: (1, 2)})
    monkeypatch.setattr(module, "PARTICLES", {True: 2**9})
    setting = Setting("three_ways", tmp_path, quick=True)
    agreement, order = module.validate(setting, only="regression")
    assert agreement.passed
    assert order.passed
    assert setting.file().exists()
