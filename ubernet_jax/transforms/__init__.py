"""Joint transforms of an image and all its labels, on the host, in numpy."""
