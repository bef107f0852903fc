"""Rules of layer V, verification: one file each."""
