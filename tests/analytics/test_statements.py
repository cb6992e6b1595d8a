"""The statements behind the figures."""

from __future__ import annotations

import pytest
from django.utils import timezone

from analytics import statements
from analytics.figures import Selection
from analytics.periods import last_days
from analytics.statements import Statement
from refunds.states import PAID, State

_ALL = {name: value for name, value in vars(statements).items() if isinstance(value, Statement)}


def test_names_are_those_of_the_grouping_in_order() -> None:
    assert statements.SALES.names == ("bucket", "store_id", "cashier", "terminal_id")
    assert statements.ARRIVAL.names == ("channel",)
    assert statements.PAYOUTS.names == ()


@pytest.mark.django_db
@pytest.mark.parametrize("days", [1, 30, 100], ids=["by hour", "by day", "by week"])
@pytest.mark.parametrize("name", sorted(_ALL))
def test_statement_when_there_is_nothing_gives_nothing(name: str, days: int) -> None:
    rows = statements.run(
        _ALL[name], scope=Selection(merchant_id=1, store_ids=(1,)), period=last_days(days=days, now=timezone.now())
    )
    assert [*rows] == []


def test_every_state_is_open_or_at_an_end() -> None:
    assert not set(statements.OPEN) & {*PAID, State.REJECTED, State.CANCELLED}
