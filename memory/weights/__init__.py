"""Weights: the bytes before a write, what changed, and putting them back."""
