"""Measurements behind `harnessfix bench`: what it costs, and how right it is on material with a known truth."""
