"""Flaws planted in sound harnesses: one good behaviour taken out at a time, so that step, place and cause are known."""
