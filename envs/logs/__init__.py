"""Somebody else's log becomes one of ours: reading, checking, encoding, pseudonyms."""
