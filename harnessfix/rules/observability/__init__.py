"""Rules of layer O, observability: one file each."""
