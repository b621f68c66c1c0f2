"""Operators, networks, data sets, recipes and the training loop of STH. Knows nothing of phones."""
