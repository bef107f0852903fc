"""Which findings are the same flaw: decided by rule and place, never by run, step or span."""

import hashlib

from harnessfix_ir.anchors import Anchor


def flaw_id(rule: str, anchor: Anchor, key: str = "") -> str:
    """Stable id of a flaw: 8 hex digits of a hash over rule, file, qualified name, sort of place and `key`.

    Lines are left out on purpose: they move with every edit above, and the flaw does not.
    """
    identity = "\0".join((rule, anchor.path, anchor.qualname, anchor.kind.value, key))
    return hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:8]
