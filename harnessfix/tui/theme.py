"""Our default theme: six hues that can be told apart, since layers and kinds of steps are told by them."""

from textual.theme import Theme

HARNESSFIX = Theme(
    name="harnessfix",
    primary="#4fa3f0",
    secondary="#4cc4b8",
    accent="#c594f5",
    warning="#f2b45a",
    error="#f0707c",
    success="#8fd16a",
    foreground="#dfe3ea",
    background="#12151b",
    surface="#181c24",
    panel="#222834",
    dark=True,
)
