"""Distances between discrete measures; grid measures are atoms at the cell centres (`nodes_of_cells`)."""

from wgflow.metrics.discrepancy import kernel_discrepancy
from wgflow.metrics.predictors import as_neurons, empirical_distance, population_distance, relu_predictions
from wgflow.metrics.spikes import find_spikes
from wgflow.metrics.wasserstein import circle_wasserstein, line_wasserstein, sheet_wasserstein

__all__ = [
    "as_neurons",
    "circle_wasserstein",
    "empirical_distance",
    "find_spikes",
    "kernel_discrepancy",
    "line_wasserstein",
    "population_distance",
    "relu_predictions",
    "sheet_wasserstein",
]
