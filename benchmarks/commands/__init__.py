"""The commands of `launchsim`, one a file."""
