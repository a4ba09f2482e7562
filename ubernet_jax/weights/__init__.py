"""Weights from and for elsewhere: other networks' files, and one portable file of ours."""
