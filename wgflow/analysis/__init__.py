"""What trajectories are measured by: distances, certificates and margins."""
