"""What the neural policies share: networks, their training, what they remember."""
