"""From a network and a benchmark to scores; which metric scores a task, `tasks` says."""
