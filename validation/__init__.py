"""Validations of wgflow: each module compares what it computes with what is known. `wgflow validate` runs them."""
