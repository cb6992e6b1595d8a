from __future__ import annotations

from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from core.calendar import SHANGHAI
from samples.retail import excerpt, loader
from samples.retail.lines import COLUMNS
from terminals.models import Transaction, TransactionLine
from tests.factories import make_account, make_merchant

NOW = timezone.now()
ROWS = (
    "536365,85123A,T-LIGHT,6,2010-12-01 08:26:00,2.55,17850,United Kingdom",
    "536365,71053,LANTERN,2,2010-12-01 08:26:00,3.39,17850,United Kingdom",
    "536366,22633,HAND WARMER,6,2010-12-01 08:28:00,1.85,,United Kingdom",
    # A straggler: its invoice was begun before another one.
    "536365,22752,NESTING BOXES,1,2010-12-01 08:27:00,7.65,17850,United Kingdom",
    "536367,POST,POSTAGE,1,2010-12-02 08:34:00,18.00,12583,France",
    "C536379,71053,LANTERN,-1,2010-12-03 09:41:00,3.39,17850,United Kingdom",
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "lines.csv"
    path.write_text("\n".join([",".join(COLUMNS), *ROWS]) + "\n")
    return path


@pytest.mark.django_db
def test_load_stores_an_invoice_as_a_sale_with_its_lines(file: Path) -> None:
    merchant = make_merchant()
    account = make_account(merchant)

    outcome = loader.load(file=file, merchant=merchant, now=NOW, shift_to_recent=False)

    assert (outcome.stored, outcome.stored_lines, outcome.known) == (2, 4, 0)
    sale = Transaction.objects.get(order_no="OR-536365")
    assert sale.amount_fen == 6 * 255 + 2 * 339 + 765
    assert sale.paid_at == datetime(2010, 12, 1, 8, 26, tzinfo=SHANGHAI)
    assert (sale.source, sale.status, sale.channel_account_id) == ("online-retail", "success", account.pk)
    assert sale.payer_phone == "13800017850"
    assert sale.payer_phone_hash is not None
    assert sale.terminal is not None
    assert sale.terminal.code == "SYN-01"
    lines = sale.lines.order_by("position").values_list(
        "sku", "quantity", "unit_price_fen", "amount_fen", "reserved_quantity"
    )
    assert list(lines) == [("85123A", 6, 255, 1530, 0), ("71053", 2, 339, 678, 0), ("22752", 1, 765, 765, 0)]
    assert Transaction.objects.get(order_no="OR-536366").payer_phone == ""


@pytest.mark.django_db
def test_load_of_the_same_file_again_changes_nothing(file: Path) -> None:
    merchant = make_merchant()
    make_account(merchant)
    loader.load(file=file, merchant=merchant, now=NOW, shift_to_recent=True)
    before = list(Transaction.objects.order_by("pk").values())

    again = loader.load(file=file, merchant=merchant, now=NOW + timedelta(days=3), shift_to_recent=True)

    assert (again.stored, again.known) == (0, 2)
    assert list(Transaction.objects.order_by("pk").values()) == before


@pytest.mark.django_db
def test_load_moves_the_last_invoice_to_yesterday_by_whole_days(file: Path) -> None:
    merchant = make_merchant()
    make_account(merchant)

    outcome = loader.load(file=file, merchant=merchant, now=NOW, shift_to_recent=True)

    yesterday = NOW.astimezone(SHANGHAI).date() - timedelta(days=1)
    assert datetime(2010, 12, 3, 9, 41, tzinfo=SHANGHAI).date() + outcome.shift == yesterday
    sale = Transaction.objects.get(order_no="OR-536365")
    assert sale.paid_at == datetime(2010, 12, 1, 8, 26, tzinfo=SHANGHAI) + outcome.shift


@pytest.mark.django_db
def test_load_of_a_file_that_breaks_off_stores_nothing(file: Path) -> None:
    merchant = make_merchant()
    make_account(merchant)
    file.write_text(file.read_text() + '536368,"open quote')

    with pytest.raises(CommandError, match="Nothing was stored"):
        call_command("load_retail", str(file), merchant=merchant.code, stdout=StringIO())

    assert not Transaction.objects.exists()


@pytest.mark.django_db
def test_load_retail_accounts_for_every_line(file: Path) -> None:
    merchant = make_merchant()
    make_account(merchant)
    output = StringIO()

    call_command("load_retail", str(file), merchant=merchant.code, stdout=output)

    counted = {" ".join(words): int(count) for count, *words in map(str.split, output.getvalue().splitlines()[:8])}
    assert counted["lines in all"] == len(ROWS)
    assert counted["sales lines"] == 4
    assert counted["codes that are no goods"] == 1


@pytest.mark.django_db
def test_the_excerpt_has_every_kind_of_line_and_fits_the_chain() -> None:
    merchant = make_merchant()
    make_account(merchant)

    stored = excerpt.store(excerpt.read(now=NOW), merchant=merchant, now=NOW)

    assert stored > 20
    assert TransactionLine.objects.count() > 100
    total = sum(payment["amount_fen"] for payment in excerpt.payments(excerpt.read(now=NOW)))  # type: ignore[misc]
    assert total == sum(Transaction.objects.values_list("amount_fen", flat=True))
