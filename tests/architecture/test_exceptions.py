"""Where a tool is told to look away, the line says why."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: What tests and generators write is theirs.
_LEFT_OUT = {"tests", "migrations", "rest", ".venv", "var"}
_IGNORED = re.compile(r"# (?:noqa|type: ignore)(?P<rest>.*)$", re.MULTILINE)
_REASONED = re.compile(r"(?:: [A-Z0-9]+(?:, [A-Z0-9]+)* --? \S|\[[a-z, -]+\] +# \S)")


def without_a_reason(text: str) -> list[str]:
    """Exceptions that name no rule or no reason: ``# noqa: S608 - names of our tables`` has both."""
    return [found[0] for found in _IGNORED.finditer(text) if not _REASONED.match(found["rest"])]


def test_every_exception_from_a_rule_says_why() -> None:
    paths = [path for path in ROOT.rglob("*.py") if not _LEFT_OUT & set(path.relative_to(ROOT).parts)]

    found = [f"{path.relative_to(ROOT)}: {line}" for path in paths for line in without_a_reason(path.read_text())]

    assert len(paths) > 500
    assert not found


@pytest.mark.parametrize(
    ("line", "has_a_reason"),
    [
        ("x = 1  # noqa", False),
        ("x = 1  # noqa: S608", False),
        ("x = 1  # noqa: S608, S1 - our own names", True),
        ("x = 1  # noqa: S608 -- our own names", True),
        ("x = 1  # type: ignore", False),
        ("x = 1  # type: ignore[misc]", False),
        ("x = 1  # type: ignore[misc]  # no types", True),
    ],
)
def test_exception_has_a_reason_where_words_follow(line: str, has_a_reason: bool) -> None:
    assert (without_a_reason(line) == []) is has_a_reason
