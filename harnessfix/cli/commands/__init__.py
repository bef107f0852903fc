"""One file per command; each holds the click command `command`."""
