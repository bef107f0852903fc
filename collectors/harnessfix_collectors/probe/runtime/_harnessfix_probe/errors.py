"""Exceptions as JSON: type, message, frames inside the harness, cause."""

import zlib

MOST_FRAMES = 30
DEEPEST_CAUSE = 5


def describe(error, places, text, depth=0):
    """An exception.

    Args:
        error: the exception.
        places: absolute file name to path in the plan, for files of the harness.
        text: function from text to what stands for it in a line.
    """
    kind = type(error)
    try:
        message = str(error)
    except Exception:
        message = "<its message could not be made>"
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    frames, last = _frames(error.__traceback__, places)
    name = kind.__qualname__ if kind.__module__ == "builtins" else "%s.%s" % (kind.__module__, kind.__qualname__)
    told = {
        "id": "%x-%x" % (id(error), zlib.crc32(("%s %s" % (name, message)).encode("utf-8", "replace"))),
        "type": name,
        "message": text(message),
        "frames": frames,
    }
    if last:
        told["raised"] = last
    if error.__cause__ is not None:
        told["from"] = True
    if cause is not None and depth < DEEPEST_CAUSE:
        told["cause"] = describe(cause, places, text, depth + 1)
    if isinstance(error, BaseException) and hasattr(error, "exceptions") and depth < 1:
        told["group"] = [describe(each, places, text, depth + 1) for each in list(error.exceptions)[:10]]
    return told


def _frames(traceback, places):
    frames, last = [], None
    while traceback is not None:
        code = traceback.tb_frame.f_code
        path = places.get(code.co_filename)
        name = getattr(code, "co_qualname", code.co_name)
        if path is not None:
            frames.append([path, name, traceback.tb_lineno])
        last = [path or code.co_filename, name, traceback.tb_lineno]
        traceback = traceback.tb_next
    return frames[-MOST_FRAMES:], last
