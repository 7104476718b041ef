"""What runs cost, as ratios to something measured in the same run."""
