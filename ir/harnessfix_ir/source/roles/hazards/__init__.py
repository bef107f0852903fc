"""Statements that break a property of a sound harness by their shape alone: one file per shape.

An element of the role `hazard` is named after its shape and anchored on the lines that have it. Whether it matters is
for a rule to say, and for the runs that went through those lines.
"""
