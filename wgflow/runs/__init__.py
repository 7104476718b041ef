"""Runs from Python, one function for each solver."""
