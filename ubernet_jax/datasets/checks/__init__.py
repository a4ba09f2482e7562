"""Checks across datasets: duplicated images, and leaks between training and test."""
