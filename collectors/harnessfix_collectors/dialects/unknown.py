"""Spans that speak no dialect we know: kept as lifecycle steps with all their attributes."""

from harnessfix_collectors.histories import MessagePool
from harnessfix_collectors.otlp import OtlpSpan
from harnessfix_ir.vocabulary import StepKind

from .base import Dialect, Normal


class Unknown(Dialect):
    """Takes every span; asked last."""

    name = "unknown"
    priority = -100

    def recognises(self, span: OtlpSpan) -> bool:
        """Always."""
        return True

    def normalise(self, span: OtlpSpan, pool: MessagePool) -> Normal:
        """A lifecycle step of the span's name."""
        return Normal(StepKind.LIFECYCLE, span.name)
