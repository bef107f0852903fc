"""Rules of layer G, governance: one file each."""
