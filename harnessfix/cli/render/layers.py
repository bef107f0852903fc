"""One colour for each layer and each severity, the same in every view."""

from harnessfix_ir.vocabulary import Layer, Outcome, Severity, Status

LAYER_STYLE = {
    Layer.EXECUTION: "bright_red",
    Layer.TOOL_INTERFACE: "bright_yellow",
    Layer.CONTEXT: "bright_cyan",
    Layer.LIFECYCLE: "bright_magenta",
    Layer.OBSERVABILITY: "bright_blue",
    Layer.VERIFICATION: "bright_green",
    Layer.GOVERNANCE: "orange3",
}
SEVERITY_STYLE = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.INFO: "bold blue"}
OUTCOME_STYLE = {Outcome.PASSED: "green", Outcome.FAILED: "red", Outcome.UNKNOWN: "dim"}
STATUS_STYLE = {Status.OK: "green", Status.ERROR: "red", Status.UNFINISHED: "yellow"}
OUTCOME_MARK = {Outcome.PASSED: "✓", Outcome.FAILED: "✗", Outcome.UNKNOWN: "?"}
STATUS_MARK = {Status.OK: " ", Status.ERROR: "✗", Status.UNFINISHED: "…"}
