"""Statistics of policies side by side on the same users."""
