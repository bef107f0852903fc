"""Provider errors as clients word them: whether asking again can help."""

import pytest

from harnessfix.rules import all_rules
from harnessfix.rules._refusals import permanent, refusal_of
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel, SourceFile
from harnessfix_ir.htir import Htir
from harnessfix_ir.recording import RunInfo
from harnessfix_ir.steps import ErrorInfo, Source, TraceLink, TraceStep
from harnessfix_ir.vocabulary import AnchorKind, ElementRole, Layer, LinkKind, StepKind


@pytest.mark.parametrize(
    ("type_", "message", "for_good"),
    [
        (
            "openai.RateLimitError",
            "Error code: 429 - {'error': {'type': 'insufficient_quota', 'code': 'insufficient_quota'}}",
            True,
        ),
        (
            "openai.RateLimitError",
            "Error code: 429 - {'error': {'type': 'tokens', 'code': 'rate_limit_exceeded'}}",
            False,
        ),
        (
            "anthropic.APIStatusError",
            '{"type":"error","error":{"type":"authentication_error","message":"bad key"}}',
            True,
        ),
        ("anthropic.APIStatusError", '{"type":"error","error":{"type":"overloaded_error","message":"busy"}}', False),
        ("google.ClientError", '{"error": {"code": 403, "message": "no", "status": "PERMISSION_DENIED"}}', True),
        ("google.ServerError", '{"error": {"code": 503, "message": "later", "status": "UNAVAILABLE"}}', False),
        ("botocore.ClientError", '{"__type": "ValidationException", "message": "bad model id"}', True),
        ("botocore.ClientError", '{"__type": "ThrottlingException", "message": "slow down"}', False),
        ("httpx.HTTPStatusError", "Client error, status code: 404 for url", True),
        ("httpx.HTTPStatusError", "Server error, status code: 502 for url", False),
        ("openai.AuthenticationError", "no", True),
        ("TypeError", "complete() got an unexpected keyword argument 'seed'", True),
        ("ValueError", "the type 'invalid_request' is a word in a sentence", None),
        ("ConnectionError", "reset by peer", None),
    ],
)
def test_what_an_error_says_of_itself(type_: str, message: str, for_good: bool | None) -> None:
    said = refusal_of(ErrorInfo(type=type_, message=message))
    assert (said.for_good if said is not None else None) is for_good


def test_the_cause_speaks_where_the_wrapper_does_not() -> None:
    cause = ErrorInfo(type="openai.NotFoundError", message="Error code: 404 - {'error': {'code': 'model_not_found'}}")
    assert permanent(ErrorInfo(type="ModelFailed", message="gave up", cause=cause)) == cause
    assert permanent(ErrorInfo(type="ModelFailed", message="gave up")) is None


def steps_of(*messages: str) -> Htir:
    """A model call that took these errors one after the other in the clause at line 17."""
    source = Source(format="test")
    clause = Anchor(path="agent.py", qualname="complete", start_line=17, end_line=19, kind=AnchorKind.HANDLER)
    steps = [TraceStep(id="s1", kind=StepKind.MODEL_CALL, name="complete", source=source)]
    links = []
    for number, message in enumerate(messages):
        one, two = f"s{2 * number + 2}", f"s{2 * number + 3}"
        error = ErrorInfo(type="ProviderError", message=message)
        common = {"kind": StepKind.ERROR, "parent": "s1", "source": source}
        steps.append(TraceStep(id=one, name="raise ProviderError", error=error, **common))  # type: ignore[arg-type]
        steps.append(TraceStep(id=two, name="except ProviderError", anchors=(clause,), **common))  # type: ignore[arg-type]
        links.append(TraceLink(source=one, target=two, kind=LinkKind.HANDLED_BY))
    return Htir(run=RunInfo(id="r"), steps=tuple(steps), links=tuple(links))


def test_a_loop_that_takes_one_refusal_for_good_after_the_other_is_told() -> None:
    (rule,) = (rule for rule in all_rules() if rule.code == "L104")
    place = Anchor(path="agent.py", qualname="complete", start_line=14, end_line=19)
    loop = Element(id="retry", role=ElementRole.RETRY, layer=Layer.LIFECYCLE, name="loop", anchor=place)
    files = (SourceFile(path="agent.py", sha256="0", lines=30),)
    model = HarnessModel(root="/x", files=files, elements=(loop,))
    for_good = '{"error": {"code": "insufficient_quota", "status": 429}}'
    (found,) = rule.check_run(steps_of(for_good, for_good, for_good), model)
    assert "refused 3 times (s3 to s7)" in found.message
    assert found.anchors[0].start_line == 14
    assert not list(rule.check_run(steps_of(for_good), model)), "once is no retry"
    busy = '{"error": {"code": "rate_limit_exceeded", "status": 429}}'
    assert not list(rule.check_run(steps_of(busy, busy, busy), model))
    assert not list(rule.check_run(steps_of(for_good, for_good), HarnessModel(root="/x", files=files)))
