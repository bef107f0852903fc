"""Whether a version is one that a requirement allows."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement


def package_of(requirement: str) -> str:
    """`openai<4,>=1.26; extra == 'instruments'` as `openai`."""
    asked = _read(requirement)
    return asked.name if asked is not None else requirement


def asks_for(requirement: str) -> str:
    """The same as `openai<4,>=1.26`."""
    return requirement.partition(";")[0].strip()


def allows(requirement: str, version: str) -> bool:
    """Whether a requirement allows a version; what cannot be compared counts as allowed.

    Args:
        requirement: as package metadata has it.
        version: of the package; pre-releases count as the release that they come before.
    """
    from packaging.version import InvalidVersion, Version

    asked = _read(requirement)
    try:
        return asked is None or asked.specifier.contains(Version(version).base_version)
    except InvalidVersion:
        return True


def _read(requirement: str) -> "Requirement | None":
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return Requirement(requirement)
    except InvalidRequirement:
        return None
