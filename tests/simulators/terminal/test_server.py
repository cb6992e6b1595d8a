"""The till's small server answers its own screen only, and passes the product's answers on as they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulators.terminal.server import NotSetUp, till_of
from tests.simulators.till import running_till
from tests.simulators.wire import call

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def till(tmp_path: Path) -> Iterator[str]:
    # Nobody listens on port 1: the line is cut.
    with running_till(tmp_path, base_url="http://127.0.0.1:1", api_key="a-secret-key") as address:
        yield address


def test_screen_and_till_never_show_the_key(till: str) -> None:
    for path in ("/", "/screen.js", "/texts.js", "/screen.css", "/till"):
        reply = call(till, "GET", path)
        assert reply.status == 200
        assert b"a-secret-key" not in reply.body


def test_call_when_the_line_is_cut_is_a_504(till: str) -> None:
    assert call(till, "GET", "/api/v1/policy").status == 504


def test_call_from_a_foreign_page_is_refused(till: str) -> None:
    for path in ("/till", "/api/v1/policy"):
        assert call(till, "GET", path, b"", {"Sec-Fetch-Site": "cross-site"}).status == 403


@pytest.mark.parametrize("amount", [0, -1, 1.5, True, "1", None])
def test_payment_when_the_amount_is_no_amount_is_refused(till: str, amount: object) -> None:
    body = json.dumps({"channel": "cash", "amount_fen": amount}).encode()
    assert call(till, "POST", "/payments", body, JSON).status == 400


def test_payment_when_cash_needs_no_channel(till: str) -> None:
    reply = call(till, "POST", "/payments", json.dumps({"channel": "cash", "amount_fen": 1}).encode(), JSON)
    assert reply.status == 201
    assert json.loads(reply.body)["channel_transaction_no"].startswith("T")


def test_qr_is_a_drawing(till: str) -> None:
    assert b"<svg" in call(till, "GET", "/qr?text=hello").body


def test_till_when_the_file_is_not_there_yet_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotSetUp):
        till_of(tmp_path / "demo.json", merchant="", terminal="")
