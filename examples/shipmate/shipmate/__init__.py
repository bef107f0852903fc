"""Shipmate: an agent that does the paperwork of a release."""
