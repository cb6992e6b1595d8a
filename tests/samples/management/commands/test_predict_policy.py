"""``manage.py predict_policy`` prints both shares, and fails where they are far apart."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.samples.retail.test_predicting import lines_of


def test_command_when_the_later_months_are_others_fails_and_says_by_how_much(tmp_path: Path) -> None:
    out = io.StringIO()
    call_command("predict_policy", str(lines_of(tmp_path, later_pounds=12)), stdout=out)
    assert "tried on 4 requests, held against 4" in out.getvalue()

    with pytest.raises(CommandError, match="more than 5 points"):
        call_command("predict_policy", str(lines_of(tmp_path, later_pounds=900)), stdout=out)
    assert "-100.0" in out.getvalue()
