"""Weights from elsewhere and for elsewhere: ImageNet trunks, and one portable file a network."""
