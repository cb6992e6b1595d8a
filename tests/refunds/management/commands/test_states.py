"""The page of states."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from refunds.management.commands import states
from refunds.states import EDGES, State


def test_page_has_every_state_and_transition() -> None:
    page = states.states_page()
    assert all(f"| `{state.value}` |" in page for state in State)
    assert all(f"| `{edge.transition}` |" in page for edge in EDGES)


def test_page_when_it_drifted_fails_the_check_and_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "_PAGE", tmp_path / "docs" / "states.md")
    with pytest.raises(CommandError, match="make states"):
        call_command("states", check=True)
    call_command("states")
    call_command("states", check=True)
