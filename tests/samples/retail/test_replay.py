"""Credit notes through the real REST API, to the real stand-in."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from merchants import api_keys
from merchants.models import KeyScope, Merchant, Role
from merchants.principals import of_staff
from refunds.models import RefundRequest
from refunds.payouts import loop
from samples.demo.rules import RETAIL
from samples.retail import loader
from samples.retail.client import Answer
from samples.retail.lines import COLUMNS
from samples.retail.matching import match_file
from samples.retail.replay import CAPPED, Replayed, Submitted, summary
from samples.retail.wishes import wishes
from simulators.kit.testing import RunningSimulator
from terminals.models import Transaction
from tests.factories import make_account, make_merchant, make_staff

ROWS = (
    "500001,22139,TEA SET,6,2011-08-01 08:26:00,4.25,17850,United Kingdom",
    "500001,85123A,T-LIGHT,2,2011-08-01 08:26:00,2.55,17850,United Kingdom",
    "500002,22139,TEA SET,40,2011-08-02 08:26:00,4.25,12583,France",
    "C500003,22139,TEA SET,-1,2011-08-03 09:41:00,4.25,17850,United Kingdom",
    "C500003,85123A,T-LIGHT,-2,2011-08-03 09:41:00,2.55,17850,United Kingdom",
    "C500003,85123A,T-LIGHT,-2,2011-08-03 09:41:00,2.55,17850,United Kingdom",
    "C500003,POST,POSTAGE,-1,2011-08-03 09:41:00,5.00,17850,United Kingdom",
    "C500004,85123A,T-LIGHT,-1,2011-08-04 09:41:00,2.55,17850,United Kingdom",
    "C500005,22139,TEA SET,-30,2011-08-05 09:41:00,4.25,12583,France",
    "C500006,22633,HAND WARMER,-1,2011-08-06 09:41:00,1.85,17850,United Kingdom",
    "500008,22720,CAKE TINS,1,2011-08-06 10:00:00,4.00,17850,United Kingdom",
    "C500009,22720,CAKE TINS,-1,2011-08-07 10:00:00,4.95,17850,United Kingdom",
    "C500007,22633,HAND WARMER,-1,2011-08-06 09:41:00,1.85,,United Kingdom",
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "lines.csv"
    path.write_text("\n".join([",".join(COLUMNS), *ROWS]) + "\n")
    return path


@pytest.fixture
def shop(transactional_db: None, wechat: RunningSimulator, file: Path) -> Merchant:
    merchant = make_merchant(rules=RETAIL)
    make_account(merchant, wechat.account)
    loader.load(file=file, merchant=merchant, now=timezone.now(), shift_to_recent=True)
    return merchant


def test_summary_accounts_for_every_penny_of_every_credit_note(file: Path) -> None:
    """Whatever the API says to the requests: each amount stands in one row, and a capped one says so."""
    matched = match_file(file)
    replayed = Replayed(
        [
            Submitted(wish, Answer(status, code, body={}), "refunded" if status == 201 else "")
            for wish, (status, code) in zip(
                wishes(matched.matches),
                [(201, ""), (201, ""), (422, "exceeds_refundable"), (0, "no_answer")],
                strict=True,
            )
        ]
    )

    rows = {row.outcome: row for row in summary(matched, replayed)}

    assert {outcome: row.amount_fen for outcome, row in rows.items()} == {
        "refunded": 425 + 2 * 255 + 30 * 425,
        "refused: exceeds_refundable": 400,
        "error: no_answer": 255,
        "lost receipt: no earlier sale": 185,
        "lost receipt: no customer": 185,
        "left out: no goods": 500,
        "left out: duplicate": 2 * 255,
        CAPPED: 95,
    }
    assert (rows[CAPPED].lines, rows[CAPPED].capped_lines) == (0, 1)
    assert sum(row.amount_fen for row in rows.values()) == sum(matched.tally.credited_fen.values()) == 15_815
    assert sum(row.lines for row in rows.values()) == len(ROWS) - 4


def replay(shop: Merchant, file: Path, live_server: LiveServer, wechat: RunningSimulator, key: str) -> dict[str, int]:
    """Run the command; the outcomes with how many lines each has."""
    output = StringIO()
    call_command(
        "replay_returns",
        str(file),
        merchant=shop.code,
        base_url=live_server.url,
        api_key=key,
        simulator_control=wechat.account["control_url"],
        follow=0,
        report=file.with_name("report.csv"),
        stdout=output,
        stderr=StringIO(),
    )
    rows = [line for line in output.getvalue().splitlines()[1:-2] if line[:7].strip()]
    return {line[35:].strip(): int(line[:7]) for line in rows}


@pytest.fixture
def key(shop: Merchant) -> str:
    owner = make_staff(shop, Role.OWNER)
    return api_keys.issue(
        merchant=shop, name="till", scopes=list(KeyScope.values), by=of_staff(owner), at=timezone.now(), all_stores=True
    )[1]


@pytest.mark.django_db(transaction=True)
def test_replay_accounts_for_every_line_of_every_credit_note(
    shop: Merchant, file: Path, live_server: LiveServer, wechat: RunningSimulator, key: str
) -> None:
    outcomes = replay(shop, file, live_server, wechat, key)

    assert outcomes == {
        "approved": 3,
        "in_review": 1,
        "refused: exceeds_quantity": 1,
        "left out: duplicate": 1,
        "lost receipt: no customer": 1,
        "lost receipt: no earlier sale": 1,
        "left out: no goods": 1,
    }
    assert sorted(RefundRequest.objects.values_list("transaction__order_no", "amount_fen")) == [
        ("OR-500001", 425 + 2 * 255),
        ("OR-500002", 30 * 425),
        ("OR-500008", 400),
    ]
    with file.with_name("report.csv").open() as stream:
        report = list(csv.DictReader(stream))
    assert [row["credit_note"] for row in report] == [f"C50000{n}" for n in (3, 3, 4, 5, 6, 9, 7)]
    assert [row["status"] for row in report] == ["201", "201", "422", "201", "", "201", ""]
    assert [row["capped_fen"] for row in report] == ["0", "0", "0", "0", "0", "95", "0"]


@pytest.mark.django_db(transaction=True)
def test_replay_again_makes_no_second_request_and_tells_how_it_ended(
    shop: Merchant, file: Path, live_server: LiveServer, wechat: RunningSimulator, key: str
) -> None:
    replay(shop, file, live_server, wechat, key)
    requests = RefundRequest.objects.count()
    loop.drain()

    outcomes = replay(shop, file, live_server, wechat, key)

    assert RefundRequest.objects.count() == requests
    assert outcomes.get("refunded", 0) + outcomes.get("executing", 0) == 3
    assert len(wechat.control("GET", "/ledger")["rows"]) <= 2
    assert all(sale.reserved_fen <= sale.amount_fen for sale in Transaction.objects.all())


@pytest.mark.django_db(transaction=True)
def test_replay_with_a_wrong_key_says_so_and_submits_nothing(
    shop: Merchant, file: Path, live_server: LiveServer, wechat: RunningSimulator
) -> None:
    with pytest.raises(CommandError, match="401"):
        replay(shop, file, live_server, wechat, "rdk_wrong")

    assert not RefundRequest.objects.exists()
