"""`python -m benchmarks` is `launchsim`."""

from benchmarks.cli import main

main()
