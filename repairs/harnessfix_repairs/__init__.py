"""Repairs: operators that edit, the audit that holds them to their scope, and the gate that proves them.

The way of a repair: `patch.propose` makes a `Patch` from a `FlawRecord`; `compose.compose` puts several in a row;
`validation.gate.validate` proves one in private trees; `apply.apply` and `apply.undo` change the harness and change it
back; `memory.consult` says what earlier repairs teach. Each is imported from its module, as operators need LibCST.
"""
