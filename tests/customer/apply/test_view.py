"""Applying from the receipt's code, without scripts, cookies or a session."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django.fixtures import Settings

from customer.apply import view
from merchants.models import Merchant
from refunds.models import Evidence, RefundRequest
from refunds.telling import carrying, one_time, tracking
from refunds.telling.tracking import Receipt
from terminals.models import Transaction
from tests import pictures
from tests.factories import make_merchant, make_sale
from tests.refunds.telling.test_one_time import Mailbox

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _clean(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    cache.clear()


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Mailbox:
    box = Mailbox()
    monkeypatch.setattr(carrying, "carrier_for", lambda _medium: box)
    return box


@pytest.fixture
def sale() -> Transaction:
    return make_sale(make_merchant(), 26_800, payer_phone="13800006021")


def address(sale: Transaction, *, whole: bool = True) -> str:
    return f"/r/apply/{tracking.apply_token(Receipt(sale.store_id, sale.pk if whole else None))}"


def facts(sale: Transaction, **changes: str) -> dict[str, str]:
    return {"order_no": sale.order_no, "amount": "268.00", **changes}


def start(sale: Transaction, client: Client | None = None, **changes: str) -> Any:
    return (client or Client()).post(f"{address(sale)}?lang=en", facts(sale, **changes))


def ticket_of(response: Any) -> str:
    found = re.search(r'name="ticket" value="([^"]+)"', response.content.decode())
    assert found is not None
    return found[1]


def ask(sale: Transaction, ticket: str, code: str, /, **changes: Any) -> Any:
    wanted = {"ticket": ticket, "code": code, "amount": "12", "reason": "quality", "consent": "1", **changes}
    return Client().post(f"{address(sale)}/send?lang=en", {k: v for k, v in wanted.items() if v is not None})


@pytest.mark.parametrize("whole", [True, False], ids=["receipt", "store"])
@pytest.mark.parametrize(("language", "title"), [("en", "Ask for a refund"), ("zh-hans", "申请退款")])
def test_the_first_page_tells_nothing_of_any_sale(sale: Transaction, language: str, title: str, *, whole: bool) -> None:
    response = Client().get(f"{address(sale, whole=whole)}?lang={language}")
    page = response.content.decode()
    assert title in page
    for secret in (sale.order_no, "268.00", "6021"):
        assert secret not in page
    assert not response.cookies
    assert response["Cache-Control"] == "no-store"
    assert len(response.content) <= 60_000


def test_a_customer_applies_with_two_facts_and_a_code_and_follows_it(sale: Transaction, mailbox: Mailbox) -> None:
    first = start(sale)
    assert "138 **** 6021" in first.content.decode()
    assert "13800006021" not in first.content.decode()

    sent = ask(sale, ticket_of(first), mailbox.code, description="<b>裂了</b>", files=[pictures.upload()])

    assert sent.status_code == 302
    request = RefundRequest.objects.get()
    assert (request.amount_fen, request.customer_phone, request.customer_consent) == (1_200, "13800006021", True)
    assert Evidence.objects.get().request_id == request.pk
    page = Client().get(sent["Location"]).content.decode()
    assert "Your request has arrived" in page


def test_a_form_that_is_sent_twice_is_one_request(sale: Transaction, mailbox: Mailbox) -> None:
    ticket = ticket_of(start(sale))
    first, again = ask(sale, ticket, mailbox.code), ask(sale, ticket, mailbox.code)
    assert (first.status_code, again.status_code) == (302, 302)
    assert RefundRequest.objects.count() == 1


def test_a_form_at_the_same_moment_as_its_twin_waits(sale: Transaction, mailbox: Mailbox) -> None:
    ticket = ticket_of(start(sale))
    assert one_time.begin(ticket) is None
    response = ask(sale, ticket, mailbox.code)
    assert response.status_code == 422
    assert "being taken in" in response.content.decode()
    assert not RefundRequest.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": "1"},
        {"order_no": "X-1"},
        {"amount": "", "order_no": ""},
        {"amount": ""},
        {"amount": "abc"},
        {"paid_on": "2026-99-99"},
        {"card_last4": "9999"},
        {"order_no": "'; --"},
    ],
)
def test_wrong_facts_send_no_code(sale: Transaction, mailbox: Mailbox, changes: dict[str, Any]) -> None:
    response = start(sale, **changes)
    assert response.status_code == 422
    assert "6021" not in response.content.decode()
    assert mailbox.sent == []


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": "٢٦٨"},
        {"amount": "+268"},
        {"amount": "268圓"},
        {"amount": "\u3164２６８．００"},
        {"amount": "", "card_last4": "١٢٣٤"},
        {"amount": "", "card_last4": "12 34"},
        {"amount": "", "card_last4": "****1234"},
    ],
)
def test_facts_however_they_are_written_send_a_code(mailbox: Mailbox, changes: dict[str, Any]) -> None:
    sale = make_sale(make_merchant(), 26_800, payer_phone="13800006021", card_last4="1234")
    assert start(sale, **changes).status_code == 200
    assert len(mailbox.sent) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "000"},
        {"ticket": "x" * 500},
        {"ticket": ""},
        {"consent": None},
        {"amount": "-5"},
        {"amount": "9999"},
        {"reason": "goodwill"},
        {"kind": "<x>", "files": [b""]},
        {"files": [b"<svg onload=alert(1)>"]},
    ],
)
def test_what_is_refused_stores_nothing_and_can_be_sent_again(
    sale: Transaction, mailbox: Mailbox, changes: dict[str, Any]
) -> None:
    ticket = ticket_of(start(sale))
    if "files" in changes:
        changes = {
            **changes,
            "files": [pictures.upload(content) if content else pictures.upload() for content in changes["files"]],
        }
    response = ask(sale, ticket, changes.pop("code", mailbox.code), **changes)
    assert response.status_code == 422
    assert not RefundRequest.objects.exists()
    assert ask(sale, ticket, mailbox.code).status_code == 302


def test_guesses_are_throttled_by_address(sale: Transaction, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(REMOTE_ADDR="203.0.113.77")
    statuses = [start(sale, client, amount="1").status_code for _ in range(view._GUESSES.free + 2)]
    assert statuses[0] == 422
    assert statuses[-1] == 429
    response = start(sale, client)
    assert (response.status_code, int(response["Retry-After"]) > 0) == (429, True)
    assert mailbox.sent == []


def test_codes_are_throttled_by_sale(sale: Transaction, mailbox: Mailbox) -> None:
    statuses = [start(sale).status_code for _ in range(6)]
    assert statuses[:3] == [200, 200, 200]
    assert statuses[-1] == 429
    assert len(mailbox.sent) <= 4


@pytest.mark.parametrize("end", ["", ".", "AA", "/../x"])
def test_an_address_that_is_not_ours_is_a_404(sale: Transaction, mailbox: Mailbox, end: str) -> None:
    wrong = f"{address(sale)[:-1]}{end}"
    assert Client().get(wrong).status_code == 404
    assert Client().post(wrong, facts(sale)).status_code == 404
    assert Client().get(f"/r/apply/{tracking.token_for(sale.pk)}").status_code == 404
    assert mailbox.sent == []


def test_at_a_sandboxs_store_nobody_applies(sale: Transaction, mailbox: Mailbox) -> None:
    Merchant.objects.filter(pk=sale.merchant_id).update(sandbox_of=make_merchant())
    assert Client().post(address(sale), facts(sale)).status_code == 404
    assert mailbox.sent == []


def test_the_receipt_of_another_merchant_finds_nothing_here(sale: Transaction, mailbox: Mailbox) -> None:
    abroad = make_sale(make_merchant(), 26_800)
    response = Client().post(f"{address(abroad)}?lang=en", facts(sale))
    assert response.status_code == 422
    assert mailbox.sent == []


@pytest.mark.parametrize("kind", ["witness", "inspection"])
def test_a_customer_hands_in_nothing_that_only_staff_have_seen(sale: Transaction, mailbox: Mailbox, kind: str) -> None:
    """A policy may ask for a colleague's word: a form that says so itself is none."""
    sent = ask(sale, ticket_of(start(sale)), mailbox.code, kind=kind, files=[pictures.upload()])
    assert sent.status_code == 422
    assert not RefundRequest.objects.exists()
    assert not Evidence.objects.exists()
