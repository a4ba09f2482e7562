"""Compares runs: checks which scores are comparable, writes tables, draws learning curves."""
