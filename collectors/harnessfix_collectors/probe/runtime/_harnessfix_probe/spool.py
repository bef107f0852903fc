"""One file of JSON lines per process; each line is handed to the kernel at once, so that a kill loses nothing written."""

import hashlib
import json
import os
import threading
import time

INLINE = 100
LARGEST = 20000000


class Spool:
    """Writes lines of one process.

    Args:
        folder: where the file is made, named by process id and time.
        scrub: function from text to text without secrets.
    """

    def __init__(self, folder, scrub):
        self.folder, self.scrub = folder, scrub
        self.lock = threading.Lock()
        self.known = {}
        self.first = None
        self._open()

    def _open(self):
        path = os.path.join(self.folder, "%d-%d.jsonl" % (os.getpid(), time.time_ns()))
        self.fd = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY | getattr(os, "O_CLOEXEC", 0), 0o600)

    def after_fork(self):
        """In a forked child: a file of its own, texts known anew, the lock free."""
        self.lock = threading.Lock()
        self.known = {}
        self._open()
        if self.first is not None:
            self.write(dict(self.first, pid=os.getpid(), forked=True))

    def write(self, line):
        """Write one object as a line; a failure (disk full, closed descriptor) is not the program's concern."""
        data = json.dumps(line, separators=(",", ":")).encode("ascii", "backslashreplace") + b"\n"
        try:
            with self.lock:
                while data:
                    data = data[os.write(self.fd, data) :]
        except OSError:
            pass

    def text(self, text):
        """`text` as a value of a line: itself when short, else a reference to a text line written once."""
        if len(text) <= INLINE:
            return self.scrub(text)
        reference = self.known.get(text)
        if reference is None:
            clean = self.scrub(text)
            cut = None
            if len(clean) > LARGEST:
                clean, cut = clean[:LARGEST], len(clean) - LARGEST
            digest = hashlib.sha256(clean.encode("utf-8", "surrogatepass")).hexdigest()[:32]
            reference = {"$": digest}
            self.known[text] = reference
            line = {"t": "text", "d": digest, "v": clean}
            if cut:
                line["cut"] = cut
            self.write(line)
        return reference
