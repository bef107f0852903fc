"""`python covered.py OUT FOLDER -- SCRIPT|-m MODULE ARGUMENTS`: which lines below FOLDER a program runs, and which
other files there it reads (line 0 of them).

Runs in the harness's own interpreter and imports nothing of ours. `sys.settrace` is slow; nothing else is measured in
this run.
"""

import atexit
import json
import os
import runpy
import sys
import threading


def main():
    """Run the program under a trace function; write path and line numbers when it ends."""
    out, folder, _, *program = sys.argv[1:]
    folder = os.path.realpath(folder) + (os.sep if os.path.isdir(folder) else "")
    base, lines, inside = os.path.dirname(folder.rstrip(os.sep)), {}, {}

    def enter(frame, event, _):
        name = frame.f_code.co_filename
        if name not in inside:
            path = os.path.realpath(name)
            inside[name] = lines.setdefault(os.path.relpath(path, base), set()) if path.startswith(folder) else None
        seen = inside[name]
        if seen is None:
            return None

        def line(frame, event, _):
            seen.add(frame.f_lineno)
            return line

        return line

    def opened(event, arguments):
        if event == "open" and isinstance(arguments[0], str) and not arguments[0].endswith((".py", ".pyc")):
            path = os.path.realpath(arguments[0])
            if path.startswith(folder):
                lines.setdefault(os.path.relpath(path, base), set()).add(0)

    def write():
        sys.settrace(None)
        with open(out, "w", encoding="utf-8") as file:
            json.dump({path: sorted(seen) for path, seen in lines.items()}, file)

    atexit.register(write)
    sys.addaudithook(opened)
    threading.settrace(enter)
    sys.settrace(enter)
    if program[0] == "-m":
        sys.argv = program[1:]
        sys.path.insert(0, os.getcwd())
        runpy.run_module(program[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = program
        sys.path.insert(0, os.path.dirname(os.path.abspath(program[0])))
        runpy.run_path(program[0], run_name="__main__")


main()
