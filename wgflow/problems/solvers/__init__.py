"""The solvers of problem files: a file a kind, with its options, and all that a problem must know of it."""
