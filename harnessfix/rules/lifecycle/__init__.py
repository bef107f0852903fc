"""Rules of layer L, lifecycle: one file each."""
