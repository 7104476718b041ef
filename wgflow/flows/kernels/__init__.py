"""Compiled loops of what solvers share."""
