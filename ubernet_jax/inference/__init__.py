"""Prediction for photographs and videos with a trained network, in Python and on a web page."""
