"""Asking the model, and what can go wrong when asking."""

import logging
import time
from typing import Any, Protocol

logger = logging.getLogger(__name__)

LONGEST_PAUSE = 0.05


class ProviderBusy(Exception):
    """The provider cannot answer now and may later."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ModelUnavailable(Exception):
    """The model was asked as often as allowed and gave no answer."""


class Backend(Protocol):
    """A provider's chat endpoint."""

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer one request with `content`, `tool_calls` and `finish_reason`."""


class ModelClient:
    """Asks one model; waits and asks again while its provider is busy."""

    def __init__(self, backend: Backend, attempts: int) -> None:
        self.backend = backend
        self.attempts = attempts

    def complete(self, messages: list[dict[str, Any]], tools: list[dict[str, Any]]) -> dict[str, Any]:
        """The model's next turn. Raises `ModelUnavailable` when there is none to be had."""
        attempt = 0
        while True:
            attempt += 1
            try:
                return self.backend.create({"messages": messages, "tools": tools})
            except ProviderBusy as error:
                if attempt >= self.attempts:
                    raise ModelUnavailable(f"no answer after {attempt} attempts")
                time.sleep(min(error.retry_after, LONGEST_PAUSE))
