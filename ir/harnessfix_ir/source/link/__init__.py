"""Passes over the facts of all files: what one file alone cannot say."""
