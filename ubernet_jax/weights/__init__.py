"""Reads the weight files of other networks, and reads and writes the files of this package."""
