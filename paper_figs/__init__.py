"""Figures and the report: drawn from stored results and from formulas, never from a run of their own."""
