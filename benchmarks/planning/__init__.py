"""What to launch when, with how much stock, and what predictions were worth on real launches."""
