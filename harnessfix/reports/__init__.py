"""Reports: the machine-readable forms of what was found."""
