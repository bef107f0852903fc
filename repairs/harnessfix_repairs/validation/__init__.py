"""Proving a patch: private trees, a sandbox, runs of the user's own command, and the gate that judges them."""
