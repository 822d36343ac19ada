"""Measurements, each a ratio to a baseline in the same run: a machine's mood changes times, and not so much ratios."""
