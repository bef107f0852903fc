"""Rules of layer C, context: one file each."""
