"""What the pages of messages show."""

from __future__ import annotations

from desk.access import scope_of
from desk.message_templates.page import Which, messages_page
from refunds.telling.wording import EVENTS, NOTIFIED
from tests.desk.conftest import Shop


def test_list_has_every_message_in_both_languages_by_both_media(shop: Shop) -> None:
    (table,) = messages_page(scope=scope_of(shop.manager)).tables
    links = {cell.url for row in table.rows for cell in row.cells if cell.url}
    assert set(EVENTS) == {*NOTIFIED, "apology", "arrival_changed"}
    assert len(links) == 4 * len(EVENTS)


def test_which_is_one_of_ours_or_none() -> None:
    assert Which("refunded", "sms", "en").is_one
    assert not any(which.is_one for which in (Which("paid", "sms", "en"), Which("refunded", "sms", "")))
