"""The long history is true to every invariant, the same for the same seed, and never lands on somebody's own database."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from core.audit import chain
from core.audit.models import AuditEvent, AuditLink
from core.errors import Conflict
from invariants import inspection
from merchants.models import Merchant
from refunds.models import Execution, LedgerEntry, Notification, RefundRequest
from samples.demo import scale
from terminals.models import Transaction
from tests.factories import make_merchant

pytestmark = pytest.mark.django_db(transaction=True)

_SIZE = scale.Size(requests=600, sales=1_500, open_requests=60)


def _load() -> None:
    scale.load(size=_SIZE, seed=3, now=timezone.now(), say=lambda _: None)


def _seal_all() -> None:
    """What a transaction of another database was holding back: PostgreSQL counts transactions for the whole server."""
    until = time.monotonic() + 30
    while AuditLink.objects.count() < AuditEvent.objects.count() and time.monotonic() < until:
        chain.seal_events()
        time.sleep(0.1)


def test_load_when_it_is_done_has_what_was_asked_for_and_breaks_no_invariant() -> None:
    _load()
    assert (Transaction.objects.count(), RefundRequest.objects.count()) == (1_500, 600)
    states = set(RefundRequest.objects.values_list("state", flat=True))
    assert {"closed", "rejected", "cancelled", "in_review", "needs_info", "failed"} <= states
    assert Execution.objects.exists()
    assert LedgerEntry.objects.exists()
    assert Notification.objects.exists()
    _seal_all()
    assert AuditLink.objects.count() == AuditEvent.objects.count()
    assert max(Transaction.objects.values_list("paid_at", flat=True)) < timezone.now() - timedelta(days=2)
    assert inspection.check() == []


def test_load_when_it_is_there_already_adds_nothing() -> None:
    _load()
    with pytest.raises(Conflict):
        _load()
    assert Merchant.objects.count() == 1
    assert RefundRequest.objects.count() == 600


def test_command_when_the_database_holds_a_merchant_of_somebodys_own_is_refused() -> None:
    make_merchant()
    with pytest.raises(CommandError, match="--yes"):
        call_command("load_scale", requests=10, sales=30)
    assert not Merchant.objects.filter(code=scale.CODE).exists()


def test_command_when_the_login_is_bound_by_row_level_security_says_in_a_sentence_whose_it_needs(
    settings: Settings,
) -> None:
    settings.DATABASE_OWNER = None
    with pytest.raises(CommandError, match=r"DATABASE_OWNER_URL.+dev\.embedded run"):
        call_command("load_scale", requests=10, sales=30)
    assert not Merchant.objects.filter(code=scale.CODE).exists()


@pytest.mark.parametrize(("requests", "sales"), [(0, 10), (11, 10)])
def test_size_when_it_makes_no_sense_is_refused(requests: int, sales: int) -> None:
    with pytest.raises(ValueError, match="at least one request"):
        scale.Size(requests=requests, sales=sales)
