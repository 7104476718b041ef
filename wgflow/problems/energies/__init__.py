"""The energies of a problem of kind "energy": a file for each table of [problem]."""
