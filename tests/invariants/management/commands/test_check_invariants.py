"""The command that says what is broken."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from tests.invariants.planting import plant

pytestmark = [pytest.mark.django_db, pytest.mark.breaks_invariants]


def test_command_fails_and_names_what_is_broken(rows: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    call_command("check_invariants")
    assert "invariants hold" in capsys.readouterr().out
    plant("UPDATE terminals_transaction SET reserved_fen = reserved_fen - 1 WHERE id = :sale", [], rows)
    with pytest.raises(CommandError, match="1 breaches"):
        call_command("check_invariants")
    assert "I2: the sale's counters differ" in capsys.readouterr().err
