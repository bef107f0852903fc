"""The words that every part of harnessfix shares: layers, kinds, rungs, routes, verdicts.

The seven layers and the flaw vocabulary follow the HarnessFix paper (arXiv 2606.06324); step kinds that
have an OpenTelemetry GenAI operation are named in `StepKind`.
"""

from enum import StrEnum


class Layer(StrEnum):
    """One of the seven layers of an agent harness (ETCLOVG)."""

    EXECUTION = "execution"
    TOOL_INTERFACE = "tool_interface"
    CONTEXT = "context"
    LIFECYCLE = "lifecycle"
    OBSERVABILITY = "observability"
    VERIFICATION = "verification"
    GOVERNANCE = "governance"

    @property
    def letter(self) -> str:
        """The layer's letter in a rule code, `T` for `tool_interface`."""
        return self.value[0].upper()

    @classmethod
    def from_letter(cls, letter: str) -> "Layer":
        """The layer whose rule codes begin with `letter`. Raises `ValueError` for any other letter."""
        for layer in cls:
            if layer.letter == letter.upper():
                return layer
        raise ValueError(f"no layer has the letter {letter!r}")


class Property(StrEnum):
    """The ten properties of a sound harness; every rule is an instance of one."""

    CONSERVATION = "conservation"
    HONESTY = "honesty"
    ACCOUNTING = "accounting"
    ISOLATION = "isolation"
    CLEANUP = "cleanup"
    ORDER = "order"
    CONTAINMENT = "containment"
    AUTHORITY = "authority"
    INERTNESS = "inertness"
    EFFECT = "effect"


class StepKind(StrEnum):
    """What a step of a run is.

    `task` is an agent episode (GenAI `invoke_agent`), `model_call` is `chat` / `generate_content`, `tool_call` is
    `execute_tool`, `error` is one exception, raised or handled (see `TraceStep.name`).
    """

    TASK = "task"
    MODEL_CALL = "model_call"
    TOOL_CALL = "tool_call"
    PARSE = "parse"
    CONTEXT_BUILD = "context_build"
    RETRIEVAL = "retrieval"
    MEMORY = "memory"
    HANDOFF = "handoff"
    GUARD = "guard"
    VERIFY = "verify"
    ARTIFACT = "artifact"
    SUBMIT = "submit"
    LIFECYCLE = "lifecycle"
    ERROR = "error"


class Status(StrEnum):
    """How a step ended. `unfinished`: it began and no end was seen (killed, crashed, cut off)."""

    OK = "ok"
    ERROR = "error"
    UNFINISHED = "unfinished"


class Outcome(StrEnum):
    """How a run ended, as its label says; `unknown` when nobody said."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Evidence(StrEnum):
    """The evidence ladder, best first: how a fact is known."""

    OBSERVED = "observed"
    DERIVED = "derived"
    HEURISTIC = "heuristic"
    MODEL = "model"

    @property
    def rank(self) -> int:
        """0 for the best rung, 3 for the worst."""
        return list(Evidence).index(self)


class LinkFamily(StrEnum):
    """The four families of typed edges between steps."""

    TEMPORAL = "temporal"
    DATA = "data"
    CONTROL = "control"
    STATE = "state"


class LinkKind(StrEnum):
    """The relation that a link states."""

    FOLLOWS = "follows"
    COPIED = "copied"
    TRUNCATED = "truncated"
    TRANSFORMED = "transformed"
    OMITTED = "omitted"
    ITERATION = "iteration"
    BRANCH = "branch"
    RETRY_OF = "retry_of"
    HANDLED_BY = "handled_by"
    GUARDED_BY = "guarded_by"
    DELEGATED_TO = "delegated_to"
    TERMINATED_BY = "terminated_by"
    WROTE_READ = "wrote_read"

    @property
    def family(self) -> LinkFamily:
        """The family that this relation belongs to."""
        if self is LinkKind.FOLLOWS:
            return LinkFamily.TEMPORAL
        if self in (LinkKind.COPIED, LinkKind.TRUNCATED, LinkKind.TRANSFORMED, LinkKind.OMITTED):
            return LinkFamily.DATA
        return LinkFamily.STATE if self is LinkKind.WROTE_READ else LinkFamily.CONTROL


class AnchorKind(StrEnum):
    """What sort of editable place an anchor is."""

    FUNCTION = "function"
    CLASS = "class"
    HANDLER = "handler"
    LOOP = "loop"
    CALL = "call"
    DECORATOR = "decorator"
    LITERAL = "literal"
    PROMPT_TEMPLATE = "prompt_template"
    PROMPT_FILE = "prompt_file"
    CONFIG_KEY = "config_key"
    TOOL_SCHEMA = "tool_schema"
    DEPENDENCY = "dependency"


class Route(StrEnum):
    """How an anchor was tied to a step, best first."""

    STACK = "stack"
    PROBE = "probe"
    CODE_ATTRIBUTE = "code_attribute"
    TOOL_REGISTRATION = "tool_registration"
    LITERAL_MATCH = "literal_match"
    CONFIG_KEY = "config_key"
    STATIC = "static"


class ElementRole(StrEnum):
    """What a harness element does; `function` is one with no role of its own."""

    AGENT_LOOP = "agent_loop"
    MODEL_CALL = "model_call"
    TOOL = "tool"
    TOOL_REGISTRY = "tool_registry"
    PARSER = "parser"
    CONTEXT_BUILDER = "context_builder"
    MEMORY = "memory"
    TRUNCATION = "truncation"
    RETRY = "retry"
    HANDLER = "handler"
    LOOP = "loop"
    RAISE = "raise"
    SUBPROCESS = "subprocess"
    REQUEST = "request"
    HOOK = "hook"
    LIMIT = "limit"
    FALLBACK = "fallback"
    VERIFIER = "verifier"
    APPROVAL = "approval"
    SUBMISSION = "submission"
    LOGGER = "logger"
    SECRET = "secret"
    CONFIG_CLASS = "config_class"
    CONFIG_KEY = "config_key"
    PROMPT = "prompt"
    DEPENDENCY = "dependency"
    HAZARD = "hazard"
    FUNCTION = "function"
    CLASS = "class"


class Verdict(StrEnum):
    """Whose fault a failure is."""

    HARNESS = "harness"
    MODEL = "model"
    ENVIRONMENT = "environment"
    EVALUATOR = "evaluator"
    UNKNOWN = "unknown"


class Severity(StrEnum):
    """How much a finding matters."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Safety(StrEnum):
    """Applicability of an edit, as in ruff: `display_only` is never applied by us."""

    SAFE = "safe"
    UNSAFE = "unsafe"
    DISPLAY_ONLY = "display_only"
