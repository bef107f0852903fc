"""One module per role: how it is recognised in a file and what is said of it.

A module defines one or more subclasses of `base.Role`; there is no other registration. Facts are catalogued in
`docs/facts.md`.
"""
