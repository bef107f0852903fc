"""How each word of the vocabulary looks: theme variables only, and always a mark beside the colour."""

from harnessfix_ir.vocabulary import Layer, LinkFamily, Outcome, Safety, Severity, Status, StepKind

DIM = "dim"
LAYER = {
    Layer.EXECUTION: "$text-error",
    Layer.TOOL_INTERFACE: "$text-warning",
    Layer.CONTEXT: "$text-primary",
    Layer.LIFECYCLE: "$text-accent",
    Layer.OBSERVABILITY: "$text-secondary",
    Layer.VERIFICATION: "$text-success",
    Layer.GOVERNANCE: "bold",
}
SEVERITY = {Severity.ERROR: "$text-error", Severity.WARNING: "$text-warning", Severity.INFO: "$text-primary"}
SEVERITY_MARK = {Severity.ERROR: "✗", Severity.WARNING: "!", Severity.INFO: "i"}
OUTCOME = {Outcome.PASSED: "$text-success", Outcome.FAILED: "$text-error", Outcome.UNKNOWN: DIM}
OUTCOME_MARK = {Outcome.PASSED: "✓", Outcome.FAILED: "✗", Outcome.UNKNOWN: "?"}
STATUS = {Status.OK: DIM, Status.ERROR: "$text-error", Status.UNFINISHED: "$text-warning"}
STATUS_MARK = {Status.OK: " ", Status.ERROR: "✗", Status.UNFINISHED: "…"}
KIND = {
    StepKind.TASK: "bold",
    StepKind.MODEL_CALL: "$text-primary",
    StepKind.TOOL_CALL: "$text-warning",
    StepKind.ERROR: "$text-error",
    StepKind.PARSE: "$text-accent",
    StepKind.CONTEXT_BUILD: "$text-secondary",
    StepKind.VERIFY: "$text-success",
    StepKind.SUBMIT: "$text-success",
}
FAMILY = {
    LinkFamily.DATA: "$text-primary",
    LinkFamily.CONTROL: "$text-accent",
    LinkFamily.STATE: "$text-warning",
    LinkFamily.TEMPORAL: DIM,
}
SAFETY = {Safety.SAFE: "$text-success", Safety.UNSAFE: "$text-warning", Safety.DISPLAY_ONLY: DIM}
FLAW_MARK, TOUCHED_MARK = "▲", "△"
FLAW = "$text-error"
"""`▲` stands at the step a flaw is blamed on, `△` at the others on its path."""
