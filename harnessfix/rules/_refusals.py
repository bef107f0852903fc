"""What a model's provider says in an error: status, type and code, and whether asking again can help.

Clients word the answer's JSON body into the message of their exception, some as JSON and some as Python wrote it. The
names are those that providers document for their own errors.
"""

import re
from dataclasses import dataclass
from http import HTTPStatus

from harnessfix_ir.steps import ErrorInfo

from ._errors import chain, short_type

LONGEST = 4_000  # characters of a message that are looked at
_STATUS = re.compile(
    r"(?:error code|status(?:[ _]code)?|http(?:/\d\.\d)?(?: error)?)\W{0,4}([45]\d\d)\b", re.IGNORECASE
)
_PHRASES = "|".join(re.escape(f"{status.value} {status.phrase}") for status in HTTPStatus if status >= 400)
# Clients for HTTP word it `403 Client Error: Forbidden for url`, `Client error '403 Forbidden'` or `HTTP Error 403`.
_WORDED = re.compile(
    r"\b([45]\d\d) (?:client|server) error\b|\b(?:client|server) error\W{1,3}([45]\d\d)\b"
    rf"|\b(?={_PHRASES})([45]\d\d) ",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"[\"'](?:type|code|status|reason|error_code|__type)[\"']\s*:\s*[\"']?([A-Za-z][\w.#-]{2,60}|[45]\d\d)\b"
)
MAY_PASS = frozenset({"408", "409", "423", "425", "429"})
# Refusals for good that some providers send with a status which otherwise passes, 429 above all.
_FOR_GOOD = re.compile(
    r"insufficient_quota|billing_(?:hard_limit|not_active)|account_(?:deactivated|suspended)|access_terminated|"
    r"credit_balance|quota_exhausted|invalid_api_key|api_key_invalid|authentication_error|permission_(?:error|denied)|"
    r"unauthenticated|unauthorized|forbidden|access_?denied|model_not_found|not_found_error|invalid_request|"
    r"invalid_argument|validation_?(?:exception|error)|unsupported_(?:parameter|value|country)|"
    r"context_length_exceeded|string_above_max_length|content_policy|failed_precondition|request_too_large",
    re.IGNORECASE,
)
_PASSES = re.compile(
    r"rate_?limit|overloaded|server_error|internal|unavailable|timeout|throttl|resource_exhausted|deadline|aborted|busy",
    re.IGNORECASE,
)
# Names of exceptions that say the same. Sending such a request again unchanged gives the same answer.
_PERMANENT_TYPES = frozenset(
    {
        "AuthenticationError",
        "BadRequestError",
        "ContentPolicyViolationError",
        "ContextWindowExceededError",
        "ImportError",
        "InvalidAPIKey",
        "InvalidRequestError",
        "ModuleNotFoundError",
        "NameError",
        "NotFoundError",
        "NotImplementedError",
        "PermissionDeniedError",
        "UnprocessableEntityError",
        "UnsupportedParamsError",
    }
)
_WRONG_CALL = re.compile(r"unexpected keyword argument|missing \d+ required|takes \d+ positional")


@dataclass(frozen=True)
class Refusal:
    """What one error says of itself.

    Args:
        error: the link of the chain that says it.
        status: HTTP status, empty when it tells none.
        codes: types and codes of the body, as written.
        for_good: whether no retry can cure it; None when nothing in it tells.
    """

    error: ErrorInfo
    status: str
    codes: tuple[str, ...]
    for_good: bool | None


def refusal_of(error: ErrorInfo | None) -> Refusal | None:
    """The first error of a chain that says whether asking again can help; None when none does."""
    return next((said for link in chain(error) if (said := _said(link)).for_good is not None), None)


def permanent(error: ErrorInfo | None) -> ErrorInfo | None:
    """The error of a chain that no retry can cure, None when there is none or another one says that it may pass."""
    said = refusal_of(error)
    return said.error if said is not None and said.for_good else None


def status_of(error: ErrorInfo) -> str:
    """HTTP status that an error tells by itself, whatever it was raised from; empty when it tells none."""
    return _said(error).status


def _said(error: ErrorInfo) -> Refusal:
    message, name = error.message[:LONGEST], short_type(error)
    codes = tuple(dict.fromkeys(_CODE.findall(message)))
    found = _STATUS.search(message) or _WORDED.search(message)
    status = found.group(found.lastindex or 1) if found else next((code for code in codes if code.isdigit()), "")
    words = [code for code in codes if not code.isdigit()]
    for_good: bool | None = None
    if any(_FOR_GOOD.search(code) for code in words):
        for_good = True
    elif status:
        for_good = status.startswith("4") and status not in MAY_PASS
    elif any(_PASSES.search(code) for code in words):
        for_good = False
    elif name in _PERMANENT_TYPES or (name == "TypeError" and _WRONG_CALL.search(message)):
        for_good = True
    return Refusal(error, status, codes, for_good)
