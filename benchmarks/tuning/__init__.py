"""Searching a policy's settings, never on what it is judged on."""
