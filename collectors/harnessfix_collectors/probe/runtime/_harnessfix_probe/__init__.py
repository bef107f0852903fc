"""What runs inside a recorded program: standard library only, Python 3.8 and later, and never in the program's way.

`boot` starts it, `hook` claims the modules of the plan as they are imported, `rewrite` instruments their syntax trees,
`steps` is what instrumented code calls, `values` turns arguments into JSON, `spool` writes lines.
The format of the lines is described in `docs/events.md`.
"""

VERSION = 1
