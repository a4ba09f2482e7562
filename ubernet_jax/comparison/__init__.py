"""Runs against each other: which scores may be compared, tables, learning curves."""
