"""Attribution: from the symptom of a failed run back to where correct became wrong, and whose fault that is.

The walk back is a dynamic slice (Korel and Laski 1988) over typed links instead of program statements. What speaks for
a verdict is gathered first, each thing with its reason (`findings`, `exceptions`, `conduct`, `evaluation`), then
weighed (`weighing`); nothing decides alone.
"""

from .attribute import attribute
from .weighing import settle, with_lead

__all__ = ["attribute", "settle", "with_lead"]
