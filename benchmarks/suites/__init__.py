"""Named benchmark suites, each run as `python -m benchmarks.suites.NAME`."""
