"""Rules of layer T, tool interface: one file each."""
