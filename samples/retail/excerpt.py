"""The part of the real shop's data that comes with the product (data/online-retail-excerpt.csv, see data/README.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from merchants.models import Merchant
from samples.retail import loader
from samples.retail.lines import opened
from samples.retail.loader import CHANNEL, Invoice, Outcome

FILE = settings.BASE_DIR / "data" / "online-retail-excerpt.csv"

__all__ = ["CHANNEL", "FILE", "Excerpt", "payments", "read", "store"]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Its invoices, and by how much their dates move."""

    invoices: list[Invoice]
    shift: timedelta


def read(*, now: datetime) -> Excerpt:
    """The excerpt, with its dates moved so that it ends yesterday."""
    with opened(FILE) as lines:
        return Excerpt(list(loader.invoices(lines)), loader.shift_of(FILE, now=now))


def payments(excerpt: Excerpt) -> list[Mapping[str, object]]:
    """Its payments, for a stand-in channel."""
    return [loader.payment(invoice, shift=excerpt.shift) for invoice in excerpt.invoices]


def store(excerpt: Excerpt, *, merchant: Merchant, now: datetime) -> int:
    """Store its sales. Returns how many."""
    outcome = Outcome(shift=excerpt.shift)
    loader.store(excerpt.invoices, merchant=merchant, now=now, outcome=outcome)
    return outcome.stored
