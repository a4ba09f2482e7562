"""Damaged files, and the readers that are tested with them."""
