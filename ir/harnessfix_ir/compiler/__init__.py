"""The compiler: a recording and the harness it came from, joined into one HTIR document.

    repair, skew, merging     a recording's structure made sound, every trouble on record
    view, textids             the tree, the order of events and the texts, indexed once
    requests, pairing         what each request adds to the one before; which tool step ran which call
    occurrences, provenance/  where each text comes into being, is used, and comes from
    links/                    one module per family of links
    anchoring, routes/        from each step to the lines of the harness

`compile_run` in `compile` is the whole of it.
"""

from .compile import compile_run

__all__ = ["compile_run"]
