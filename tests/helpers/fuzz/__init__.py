"""Damaged files, and the readers that meet them."""
