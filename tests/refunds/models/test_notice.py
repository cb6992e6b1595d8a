"""A channel's call: once."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from merchants.models import ChannelAccount
from refunds.models import ChannelNotice
from tests.factories import make_account, make_merchant

pytestmark = pytest.mark.django_db


def _notice(account: ChannelAccount) -> ChannelNotice:
    return ChannelNotice.objects.create(
        channel_account=account, event_id="EV-1", refund_no="R1", outcome={}, received_at=timezone.now()
    )


def test_notice_when_its_event_came_already_is_refused_and_anothers_of_that_name_is_not() -> None:
    account = make_account(make_merchant())
    _notice(account)
    _notice(make_account(make_merchant()))
    with pytest.raises(IntegrityError, match="notice_once"), transaction.atomic():
        _notice(account)
    assert ChannelNotice.objects.filter(channel_account=account).count() == 1
