"""Spans that came twice count once, and nothing that either record says is lost."""

from harnessfix_collectors.otlp import OtlpSpan, SpanEvent
from harnessfix_collectors.otlp.again import DIFFERENTLY, one_of

BEGUN = OtlpSpan("t", "s", "", "chat", 1, None, {"model": "m", "tries": 1}, (SpanEvent("began", 1, {}),))
DONE = OtlpSpan("t", "s", "", "chat m", 1, 2, {"tries": 2, "tokens": 7}, (SpanEvent("began", 1, {}),), 2, "failed")


def test_the_record_that_ended_counts_with_what_only_the_other_says() -> None:
    for span in (one_of(BEGUN, DONE), one_of(DONE, BEGUN)):
        assert (span.name, span.end_ns, span.status, span.status_message) == ("chat m", 2, 2, "failed")
        assert span.attributes == {"model": "m", "tries": 2, "tokens": 7}
        assert span.extra[DIFFERENTLY] == {"tries": 1, "name": "chat"}
        assert len(span.events) == 1


def test_what_is_sent_again_changes_nothing() -> None:
    assert one_of(DONE, DONE) is DONE
