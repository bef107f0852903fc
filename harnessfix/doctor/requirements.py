"""Whether a version is one that a requirement allows, as far as instrumentors need it: numbers and the usual signs."""

import re

_PARTS = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*\(?([^;)]*)\)?")
_CLAUSE = re.compile(r"^\s*(===|==|~=|!=|<=|>=|<|>)\s*v?(\d+(?:\.\d+)*)(\.\*)?\s*$")
_RELEASE = re.compile(r"^v?(\d+(?:\.\d+)*)")


def package_of(requirement: str) -> str:
    """`openai<4,>=1.26; extra == 'instruments'` as `openai`."""
    found = _PARTS.match(requirement)
    return found[1] if found else requirement


def asks_for(requirement: str) -> str:
    """The same as `openai<4,>=1.26`."""
    return requirement.partition(";")[0].strip()


def allows(requirement: str, version: str) -> bool:
    """Whether a requirement allows a version; what cannot be compared here counts as allowed.

    Args:
        requirement: as package metadata has it.
        version: of the package; pre-releases count as the release that they come before.
    """
    found, have = _PARTS.match(requirement), _RELEASE.match(version)
    if not found or not have:
        return True
    clauses = [_CLAUSE.match(clause) for clause in found[2].split(",") if clause.strip()]
    return all(clause is None or _holds(_numbers(have[1]), clause) for clause in clauses)


def _holds(have: tuple[int, ...], clause: "re.Match[str]") -> bool:
    sign, told, star = clause[1], _numbers(clause[2]), clause[3]
    length = max(len(have), len(told))
    mine, other = have + (0,) * (length - len(have)), told + (0,) * (length - len(told))
    begins = mine[: len(told)] == told
    match sign:
        case "==" | "===":
            return begins if star else mine == other
        case "!=":
            return not begins if star else mine != other
        case "~=":
            return mine >= other and mine[: len(told) - 1] == told[:-1]
        case "<":
            return mine < other
        case "<=":
            return mine <= other
        case ">":
            return mine > other
        case _:
            return mine >= other


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part[:9]) for part in text.split("."))
