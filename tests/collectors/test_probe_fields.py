"""Fields that an object's class does not declare are told like the others."""

import json
from pathlib import Path

from _harnessfix_probe.spool import Spool
from _harnessfix_probe.values import Encoder
from pydantic import BaseModel, ConfigDict


class Reply(BaseModel):
    """As clients type what a server sends: known fields, and whatever else there is."""

    model_config = ConfigDict(extra="allow")
    role: str


def test_extra_fields_of_a_pydantic_model(tmp_path: Path) -> None:
    reply = Reply.model_validate({"role": "assistant", "function": {"name": "look", "arguments": "null"}})
    told = json.loads(Encoder(Spool(str(tmp_path), None)).encode(reply))
    assert told["role"] == "assistant"
    assert told["function"] == {"name": "look", "arguments": "null"}
