"""Where market and policy meet."""
