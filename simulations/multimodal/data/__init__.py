"""Vendored data sets, with their attribution and the scripts that made them."""
