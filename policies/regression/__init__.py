"""What the linear policies share."""
