"""Experiments that try to make the claims of `theory` false."""
