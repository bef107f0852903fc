"""What runs inside a recorded program: standard library only, Python 3.9 and later, and never in the program's way.

`boot` starts it; `hook` claims the modules of the plan as they are imported and `script` the script itself; `rewrite`
instruments their syntax trees; `probe` and `spans` are what instrumented code calls; `values` turns arguments into
JSON, `errors` exceptions; `spool` writes lines. `launches`, `alive` and `effects` see processes, threads and files.
The format of the lines is described in `docs/events.md`.

Start-up is felt by every child process, so modules that most programs never load (`re`, `json`, `hashlib`, `ast`,
`typing`, `dataclasses`) are not imported here, or only when they are needed.
"""

VERSION = 2
