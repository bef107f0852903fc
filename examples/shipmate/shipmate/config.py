"""Settings, read from `config.yaml` beside this file."""

from dataclasses import dataclass, fields
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

CONFIG_FILE = Path(__file__).with_name("config.yaml")


class ConfigError(Exception):
    """The settings cannot be used."""


@dataclass(frozen=True)
class Config:
    """What a run may use up; see the file for the units."""

    max_steps: int = 6
    command_limit: int = 4
    command_timeout: float = 2.0
    observation_chars: int = 2000
    model_attempts: int = 2


def load_config(path: Path = CONFIG_FILE) -> Config:
    """Read the settings; a key that this version does not have is left for the one that does."""
    try:
        raw = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except (OSError, YAMLError) as error:
        raise ConfigError(f"{path.name} cannot be read") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"{path.name} holds no settings")
    known = {field.name for field in fields(Config)}
    return Config(**{key: value for key, value in raw.items() if key in known})
