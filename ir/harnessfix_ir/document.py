"""The base of every typed document: immutable, and tolerant of fields that a later version added."""

from pydantic import BaseModel, ConfigDict, JsonValue

__all__ = ["Document", "JsonValue"]


class Document(BaseModel):
    """A frozen pydantic model that keeps unknown fields, so that reading and writing lose nothing."""

    model_config = ConfigDict(frozen=True, extra="allow", ser_json_inf_nan="constants")
