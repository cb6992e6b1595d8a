"""What the analytics page says where there is nothing to count: what it is for, or where figures are."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from core.calendar import SHANGHAI
from merchants.models import ChannelAccount, Merchant, Role
from tests.factories import make_merchant, make_sale, make_staff

pytestmark = pytest.mark.django_db


def owner_of(merchant: Merchant) -> Client:
    client = Client(HTTP_ACCEPT_LANGUAGE="en")
    client.force_login(make_staff(merchant, Role.OWNER), backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_period_without_figures_leads_to_days_that_have_some() -> None:
    merchant = make_merchant()
    sale = make_sale(merchant, 5_000, paid_at=timezone.now() - timedelta(days=9))
    owner = owner_of(merchant)
    nothing = owner.get("/desk/analytics?period=today&channel=wechat").context["nothing"]
    assert sale.paid_at.astimezone(SHANGHAI).date().isoformat() in nothing.text
    later = owner.get(nothing.url).context
    assert later["nothing"] is None
    assert later["stores"]


def test_shop_without_any_sale_is_told_what_the_page_is_for() -> None:
    merchant = make_merchant()
    owner = owner_of(merchant)
    page = owner.get("/desk/analytics").content.decode()
    assert "From the first sale on this page says" in page
    assert "See what is left to set up" in page
    # Rows of dashes would explain nothing.
    assert "No figures in this period" not in page
    make_sale(merchant, 5_000, paid_at=timezone.now())
    assert owner.get("/desk/analytics").context["nothing"] is None
    # Where only this channel has none, the others are a click away.
    ChannelAccount.objects.filter(merchant=merchant).update(channel="unionpay")
    alone = owner.get("/desk/analytics?channel=unionpay").context["nothing"]
    assert (alone.is_new, alone.url) == (True, "/desk/analytics")
