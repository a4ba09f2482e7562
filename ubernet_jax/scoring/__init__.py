"""The command `ubernet score`: scores prediction files with the evaluators.

Ground truth and predictions are read with the kinds of labels, as `prepare` reads labels, but
predictions keep the precision of their files.
"""
