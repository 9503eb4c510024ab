"""How answers are shown: pages and pictures."""
