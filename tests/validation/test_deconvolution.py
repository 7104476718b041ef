"""Spikes are found from their convolution."""

from __future__ import annotations

from wgflow.app.validation.finding import load_validation

module = load_validation("deconvolution")


def test_spikes_are_found_from_their_convolution(tmp_path):
    found = module.recover(0.0)
    rows = list(module.rows_of(found))
    assert [row.what.rpartition(": ")[2] for row in rows if row.asked and row.passed] == [
        "duality gap over F at the start",
        "spikes that are found",
        "error of their positions",
        "relative error of their weights",
    ]
    module.draw([found], tmp_path / "spikes.png")
    assert (tmp_path / "spikes.png").exists()


def test_spikes_that_are_missing_are_infinitely_far():
    wanted = module.Particles([[0.0, 0.0], [1.0, 1.0]], [1.0, 1.0], [1.0, 1.0])
    assert module.spike_errors(wanted.part([0]), wanted) == (module.np.inf, module.np.inf)
    place, weight = module.spike_errors(module.Particles([[6.2, 0.0], [1.0, 1.0]], [1.1, 1.0], [1.0, 1.0]), wanted)
    assert abs(place - (2.0 * module.np.pi - 6.2)) < 1e-12  # the short way round
    assert abs(weight - 0.1) < 1e-12
