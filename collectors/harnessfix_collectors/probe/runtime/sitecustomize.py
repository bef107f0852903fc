"""Starts the probe in a recorded program, then hands over to the `sitecustomize` that this one stands in front of.

Any Python may meet this file, so it is written for all of them; the probe itself needs 3.9.
"""

import sys


def _start():
    # type: () -> None
    if sys.version_info < (3, 9):
        return
    try:
        from _harnessfix_probe import boot

        boot.start()
    except Exception as error:  # the program must run as if the probe were not there
        _complain(error)


def _complain(error):
    # type: (Exception) -> None
    """Leave word beside the plan; where that cannot be written either, the recorder sees that nothing came."""
    import os

    try:
        with open(os.environ["HARNESSFIX_PLAN"] + ".trouble", "a") as file:
            file.write("%s: %s\n" % (type(error).__name__, error))
    except Exception:
        pass


def _hand_over():
    # type: () -> None
    import os

    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    ours = sys.modules.pop("sitecustomize")
    try:
        import sitecustomize  # noqa: F401
    except ImportError as error:
        if getattr(error, "name", "sitecustomize") != "sitecustomize":
            raise
    finally:
        sys.modules.setdefault("sitecustomize", ours)


_start()
_hand_over()
