"""Many runs: each finished one kept, over processes, so that stopping loses nothing."""
