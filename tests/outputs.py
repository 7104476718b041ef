"""What outputs must not change: states at common times, and runs that go on from a checkpoint."""

from __future__ import annotations

import numpy as np

from tests.references import advance

HUNDREDTHS = np.linspace(0.0, 1.0, 101)[1:]
IRREGULAR = np.sort([*HUNDREDTHS[[6, 29, 30, 69, 99]], 0.1234567, 0.3 + 1e-13, 0.5000001, 0.9999])
SCALARS = ("energy", "risk", "mass", "min_potential")


def expect_outputs_to_change_nothing(build, span=1.0):
    """Compare the states at common times of runs with 1, 4, 20 and irregular outputs over a span of time."""
    seen = {}
    for times in (HUNDREDTHS[-1:], HUNDREDTHS[24::25], HUNDREDTHS[4::5], IRREGULAR):
        for snapshot in advance(build(), span * times):
            assert snapshot.time in span * times
            expect_same(snapshot, seen.setdefault(snapshot.time, snapshot))


def expect_same(snapshot, other):
    """Compare two snapshots, in all but the size of the step that led there."""
    assert [getattr(snapshot, name) for name in SCALARS] == [getattr(other, name) for name in SCALARS]
    for name, values in other.fields.items():
        np.testing.assert_array_equal(snapshot.fields[name], values, err_msg=f"{name} at {snapshot.time}")


def expect_checkpoints_to_go_on(build, span=1.0):
    """Put a run together anew after each step, at outputs and between; it stays what it is, in counts of work too."""
    whole, part, spent = build(), build(), np.zeros(3, dtype=int)
    for end in span * IRREGULAR:
        whole.begin_interval(end)
        part.begin_interval(end)
        while whole.time < end:
            assert part.energy == whole.energy
            whole.step()
            part.step()
            assert (part.time, part.energy, part.step_size) == (whole.time, whole.energy, whole.step_size)
            spent += counts_of(part)
            part = rebuilt(build, part)
        expect_same(part.snapshot(), whole.snapshot())
    assert (spent + counts_of(part)).tolist() == counts_of(whole).tolist()


def expect_other_outputs_after_a_checkpoint(build, span=1.0):
    """A run that is put together anew at an output goes on to a later end with other outputs."""
    first, later = span * IRREGULAR[:3], span * np.append(HUNDREDTHS[[34, 36, 99]], 1.3)
    wanted = advance(build(), later)
    part = build()
    advance(part, first)
    for snapshot, other in zip(advance(rebuilt(build, part), later), wanted, strict=True):
        expect_same(snapshot, other)


def rebuilt(build, evolution):
    """Put a flow together anew from its checkpoint, whose fields of a snapshot may come from there."""
    checkpoint = dict(evolution.checkpoint())
    fields = evolution.snapshot().fields
    checkpoint.update({name: fields[name] for name in checkpoint.keys() & fields.keys()})
    again = build(float(checkpoint["time"]), checkpoint)
    again.restore(checkpoint)
    return again


def counts_of(evolution):
    """Steps and evaluations so far."""
    return np.array([evolution.counts.accepted, evolution.counts.rejected, evolution.counts.evaluations])
