"""Overviews: for each kind of run the rows of panels that suit it."""
