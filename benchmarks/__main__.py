"""`python -m benchmarks` is `launchsim`."""

from launchsim import main

main()
