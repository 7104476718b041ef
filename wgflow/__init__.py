"""Wasserstein gradient flows on grids and with particles."""
