"""The flow of a mass that grows without end, in normalised form."""
