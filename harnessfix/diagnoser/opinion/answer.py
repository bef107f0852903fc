"""The type that a model has to answer in; what does not fit it is no answer."""

from typing import Literal

from pydantic import BaseModel, Field


class Claim(BaseModel):
    """One flaw of the harness that the model believes to see."""

    message: str = Field(max_length=600, description="What went wrong in this run and why, in one or two sentences.")
    layer: Literal["execution", "tool_interface", "context", "lifecycle", "observability", "verification", "governance"]
    steps: list[str] = Field(min_length=1, max_length=8, description="Ids of steps that show it, such as s4.")
    elements: list[str] = Field(min_length=1, max_length=4, description="Ids of code to blame, such as e2.")
    confidence: float = Field(ge=0, le=1)


class Answer(BaseModel):
    """Whose fault the failure is, and the flaws of the harness behind it, if there are any."""

    verdict: Literal["harness", "model", "environment", "evaluator", "unknown"]
    reason: str = Field(max_length=600)
    steps: list[str] = Field(min_length=1, max_length=8, description="Ids of steps that show whose fault it is.")
    claims: list[Claim] = Field(max_length=3)
