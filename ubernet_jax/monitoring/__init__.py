"""Monitoring of a run: progress, log, pictures and scores; and its provenance."""
