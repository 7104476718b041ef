"""How runs end, and what adds up over the legs of a run that was resumed."""

from __future__ import annotations

UNTIL = "until"  # a stop condition of one's own held
RUNNING, COMPLETE, INTERRUPTED, FAILED = "running", "complete", "interrupted", "failed"

# Values of the attributes ``status`` and ``stop_reason``; each file holds them all, so that it can always say how its
# run ended, even on a full disk.
ENDINGS = (RUNNING, COMPLETE, INTERRUPTED, FAILED, "t_end", "stationary", "wall_time", "error", UNTIL)

# What adds up over the legs of a run that was resumed.
COUNTS = ("accepted_steps", "rejected_steps", "evaluations")
ACCUMULATED = (*COUNTS, "compile_seconds", "run_seconds")
