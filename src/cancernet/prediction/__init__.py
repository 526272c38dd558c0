"""Probabilities and decisions for any number of patches."""
