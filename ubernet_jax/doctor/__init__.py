"""`ubernet doctor`: checks the machine, prepared datasets and a configuration."""
