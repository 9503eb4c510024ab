"""What is asked of policies and environments."""
