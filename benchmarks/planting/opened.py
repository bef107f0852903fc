"""`python opened.py OUT FOLDER -- SCRIPT|-m MODULE ARGUMENTS`: which files below FOLDER, other than Python's, a program
reads.

Runs in the harness's own interpreter and imports nothing of ours.
"""

import atexit
import json
import os
import runpy
import sys


def main():
    """Run the program under an audit hook; write the paths when it ends."""
    out, folder, _, *program = sys.argv[1:]
    folder = os.path.realpath(folder) + (os.sep if os.path.isdir(folder) else "")
    base, found = os.path.dirname(folder.rstrip(os.sep)), set()

    def opened(event, arguments):
        if event == "open" and isinstance(arguments[0], str) and not arguments[0].endswith((".py", ".pyc")):
            path = os.path.realpath(arguments[0])
            if path.startswith(folder):
                found.add(os.path.relpath(path, base))

    def write():
        with open(out, "w", encoding="utf-8") as file:
            json.dump(sorted(found), file)

    atexit.register(write)
    sys.addaudithook(opened)
    if program[0] == "-m":
        sys.argv = program[1:]
        sys.path.insert(0, os.getcwd())
        runpy.run_module(program[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = program
        sys.path.insert(0, os.path.dirname(os.path.abspath(program[0])))
        runpy.run_path(program[0], run_name="__main__")


main()
