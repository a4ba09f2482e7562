"""Checks across datasets: duplicate images, and leaks between training and test."""
