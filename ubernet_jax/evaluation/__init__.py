"""Evaluates a network on benchmarks. The package `tasks` defines the metrics of each task."""
