"""What a trained network says of anybody's photographs and videos, and how it is shown."""
