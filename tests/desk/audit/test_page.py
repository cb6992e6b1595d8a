"""Rows of the audit trail."""

from __future__ import annotations

from django.http import QueryDict

from core.audit.models import AuditEvent
from desk.access import scope_of
from desk.audit.page import audit_page, lines
from tests.desk.conftest import Shop


def test_row_says_who_did_what_about_which_and_leads_on(shop: Shop) -> None:
    request = shop.waiting()
    page = audit_page(scope=scope_of(shop.finance), query=QueryDict("act=refund.submit"))
    (row,) = page.rows
    assert (row.subject, row.subject_url) == (request.number, f"/desk/refunds/{request.number}")
    assert "who=" in row.who_url
    assert '"amount_fen"' in row.data


def test_lines_have_a_line_an_event(shop: Shop) -> None:
    shop.waiting()
    found = AuditEvent.objects.filter(merchant_id=shop.merchant.pk)
    assert len(list(lines(found))) == 1 + found.count()
