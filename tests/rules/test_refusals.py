"""Provider errors as clients word them: whether asking again can help."""

import pytest

from harnessfix.rules._refusals import permanent, refusal_of
from harnessfix_ir.steps import ErrorInfo


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
