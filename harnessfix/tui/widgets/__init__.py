"""Widgets: lines that cost nothing until they are seen, and what is built of them."""
