"""A row of a batch that is a sale: kept as text, tried without effect, and taken in as a till's report is."""

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal

import orjson

from core.dry_run import taken_back
from merchants.principals import Kind, Principal
from merchants.rights import Act
from terminals.models import Transaction
from terminals.reporting import ReportedSale, SaleLine, report_sale


def act_of(by: Principal) -> Act:
    """What it takes to bring sales: a key reports them, what a person brings is let in by another."""
    return Act.REPORT_SALE if by.kind is Kind.KEY else Act.FILE_BATCH


def asked(sale: ReportedSale) -> str:
    """The sale as JSON, as a row of an import keeps it."""
    return orjson.dumps(asdict(sale), default=str).decode()


def read(text: str) -> ReportedSale:
    """The sale again."""
    kept = orjson.loads(text)
    kept["paid_at"] = datetime.fromisoformat(kept["paid_at"])
    kept["lines"] = [SaleLine(**{**line, "quantity": Decimal(line["quantity"])}) for line in kept["lines"]]
    return ReportedSale(**kept)


def is_new(text: str, *, by: Principal, at: datetime) -> bool:
    """Whether it would be a new one. Raises what ``report_sale`` raises."""
    with taken_back():
        return take(text, by=by, at=at)[1]


def take(text: str, *, by: Principal, at: datetime) -> tuple[Transaction, bool]:
    """The sale and whether it is new. Raises what ``report_sale`` raises."""
    return report_sale(sale=read(text), by=by, at=at, act=act_of(by))
