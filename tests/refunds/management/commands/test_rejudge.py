"""``manage.py rejudge``; what differs is planted in tests/refunds/facts/test_judgements.py."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from tests.factories import make_merchant, make_request, make_sale

pytestmark = pytest.mark.django_db


def test_rejudge_counts_by_merchant_and_day(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = make_merchant(), make_merchant()
    for merchant, count in ((first, 2), (second, 1)):
        for _ in range(count):
            make_request(make_sale(merchant), 1_000)
    for arguments, count in (([], 3), (["--merchant", first.code], 2), (["--since", "2999-01-01"], 0)):
        call_command("rejudge", *arguments)
        assert capsys.readouterr().out.startswith(f"{count} judgements are the same, 0 differ")


def test_rejudge_when_the_day_is_no_day_says_so() -> None:
    with pytest.raises(CommandError, match="is no day"):
        call_command("rejudge", "--since", "yesterday")
