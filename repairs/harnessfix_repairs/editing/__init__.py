"""What operators share: finding a place in Python or configuration, and changing it without touching the rest."""
