"""Rules of layer E, execution: one file each."""
