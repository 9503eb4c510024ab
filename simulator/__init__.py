"""A market that knows no bandits."""
