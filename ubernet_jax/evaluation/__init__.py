"""From a network and a benchmark to scores; the scores themselves are those of `metrics`."""
