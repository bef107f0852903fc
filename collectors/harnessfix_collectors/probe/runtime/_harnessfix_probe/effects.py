"""Files read, written and deleted, folders changed to, hosts connected to: by audit hook, inside a step only."""

import os
import sys
import time

MOST = 200
WRITES = os.O_WRONLY | os.O_RDWR
_busy = [False]


def install(probe, folders):
    """Watch this process.

    Args:
        probe: whose current step is asked.
        folders: files below them are not told (the interpreter's own, the spool).
    """
    from .steps import current

    ignored = tuple(folder.rstrip(os.sep) + os.sep for folder in folders if folder) + ("/proc/", "/dev/", "/sys/")
    names = {
        "open": _opened,
        "os.remove": _removed,
        "os.rename": _renamed,
        "os.mkdir": lambda args: ("write", args[0]),
        "os.rmdir": _removed,
        "shutil.rmtree": _removed,
        "os.chdir": lambda args: ("chdir", args[0]),
        "os.system": lambda args: ("spawn", args[0]),
        "socket.connect": lambda args: ("connect", args[1]),
    }

    def hook(event, args):
        tell = names.get(event)
        if tell is None or _busy[0]:
            return
        step = current.get()
        if step is None or step.id is None or step.io >= MOST:
            return
        _busy[0] = True
        try:
            found = tell(args)
            if found is not None:
                what = _place(found[1]) if found[0] not in ("connect", "spawn") else _words(found[1])
                if what is not None and not what.startswith(ignored) and not what.endswith(".pyc"):
                    step.io += 1
                    line = {
                        "t": "io",
                        "up": step.id,
                        "op": found[0],
                        "what": probe.spool.text(what),
                        "time": time.time_ns(),
                    }
                    probe.spool.write(line)
        except Exception as error:
            probe.failed("effect", error)
        finally:
            _busy[0] = False

    sys.addaudithook(hook)


def _opened(args):
    path, mode, flags = args[0], args[1], args[2]
    if isinstance(mode, str):
        writes = any(letter in mode for letter in "wax+")
    else:
        writes = bool(isinstance(flags, int) and flags & WRITES)
    return ("write" if writes else "read", path)


def _removed(args):
    return ("delete", args[0])


def _renamed(args):
    return ("write", args[1])


def _place(path):
    if isinstance(path, bytes):
        path = path.decode("utf-8", "replace")
    if hasattr(path, "__fspath__") and type(path).__module__.partition(".")[0] == "pathlib":
        path = str(path)
    return os.path.abspath(path) if type(path) is str else None


def _words(value):
    if isinstance(value, tuple):
        return ":".join(str(part) for part in value[:2] if isinstance(part, (str, int)))
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else None
