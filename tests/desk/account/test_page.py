"""What one's own account shows."""

from __future__ import annotations

import pytest
from django.utils import timezone

from desk.access import scope_of
from desk.account.page import account_page, browser_name
from merchants.models import Merchant
from tests.factories import make_merchant, make_staff
from tests.second_factors import with_app, with_recovery_codes


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/156.0 Safari/537.36 Edg/156.0", "Edg · Windows"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/156.0 MicroMessenger/8.0", "MicroMessenger · Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/17 Safari/605.1", "Safari · Mac OS"),
        ("something else", "something else"),
        ("", ""),
    ],
)
def test_browser_is_named_in_few_words(told: str, name: str) -> None:
    assert browser_name(told) == name


@pytest.mark.django_db
def test_page_says_what_is_required_and_what_is_left() -> None:
    staff = make_staff(make_merchant(), "finance")
    page = account_page(scope=scope_of(staff), session_key=None, at=timezone.now())
    assert (page.is_required, list(page.factors), page.codes_left, list(page.sessions)) == (False, [], 0, [])
    Merchant.objects.update(requires_second_factor=True)
    staff.refresh_from_db()
    with_app(staff)
    with_recovery_codes(staff)
    page = account_page(scope=scope_of(staff), session_key=None, at=timezone.now())
    assert (page.is_required, len(page.factors), page.codes_left) == (True, 1, 10)
