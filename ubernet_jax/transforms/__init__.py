"""What happens to an image and all its labels together, on the host, in numpy."""
