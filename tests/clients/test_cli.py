"""`refunddesk` on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from refunddesk import cli
from refunddesk.webhooks import verified
from refunds.models import RefundRequest
from tests.api.conftest import Api, api_for
from tests.factories import make_merchant, make_sale
from tests.integrations.rig import SECRET, Receiver, listening, make_endpoint, tell

pytestmark = pytest.mark.django_db
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def api() -> Api:
    return api_for(make_merchant())


@pytest.fixture
def run(
    api: Api,
    to_the_api: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Runs a command under the shop's key: exit status, what was printed, what was complained of."""
    monkeypatch.setattr(cli, "connect", to_the_api)
    monkeypatch.setenv("REFUNDDESK_URL", "http://testserver")
    monkeypatch.setenv("REFUNDDESK_KEY", api.key)

    def ran(*argv: str) -> tuple[int, str, str]:
        status = cli.main(argv)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return ran


def test_submit_and_status_show_the_refund(api: Api, run: Run) -> None:
    sale = make_sale(api.merchant)
    wish = ("submit", "--order-no", sale.order_no, "--amount-fen", "1200", "--reason", "quality", "--consent")
    status, out, err = run(*wish)
    made = json.loads(out)
    assert (status, made["state"], made["amount_fen"]) == (0, "approved", 1_200)
    key = err.split("Idempotency-Key: ")[1].strip()
    assert json.loads(run(*wish, "--idempotency-key", key)[1])["id"] == made["id"]
    assert RefundRequest.objects.count() == 1
    for named in (made["id"], made["number"]):
        assert json.loads(run("status", named)[1])["number"] == made["number"]


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (("submit", "--order-no", "none", "--amount-fen", "1", "--reason", "quality"), "transaction_not_found"),
        (("status", "RF-000000-0000"), "not_found"),
        (("tail", "--after", "99"), "invalid_input"),
        (("trigger", "transaction.created"), ""),
    ],
)
def test_command_when_the_api_refuses_says_why_and_fails(run: Run, argv: tuple[str, ...], code: str) -> None:
    status, out, err = run(*argv)
    assert (status, out) == (1, "")
    assert code in err


def test_command_when_nobody_says_where_and_as_whom_is_none(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REFUNDDESK_KEY")
    assert run("tail") == (2, "", "set REFUNDDESK_URL and REFUNDDESK_KEY\n")


def test_tail_prints_what_happens(api: Api, run: Run) -> None:
    for name in ("refund_request.approved", "refund_request.refunded", "transaction.created"):
        tell(api.merchant, type=name)
    lines = run("tail", "--once", "--after", "1", "--type", "refund_request.refunded")[1].splitlines()
    assert [json.loads(line)["sequence"] for line in lines] == [2]
    assert run("tail", "--once")[1] == ""


def test_listen_sends_on_what_happens_signed_like_a_webhook(api: Api, run: Run) -> None:
    events = [tell(api.merchant) for _ in range(3)]
    with listening() as receiver:
        status, out, err = run("listen", "--forward-to", receiver.url, "--once", "--after", "0")
    secret = err.split("signed by ")[1].strip()
    assert status == 0
    assert [verified(body, headers, secret)["sequence"] for headers, body in receiver.calls] == [1, 2, 3]
    assert out.splitlines()[0] == f"evt_{events[0].pk} refund_request.approved -> 200"


def test_listen_when_nobody_answers_goes_on(api: Api, run: Run) -> None:
    tell(api.merchant)
    nobody = Receiver(url="http://127.0.0.1:9/")
    status, out, _ = run("listen", "--forward-to", nobody.url, "--once", "--after", "0", "--secret", SECRET)
    assert (status, out.endswith("-> ConnectError\n")) == (0, True)


def test_trigger_has_a_test_event_sent_to_an_endpoint(api: Api, run: Run) -> None:
    endpoint = make_endpoint(api.merchant)
    status, out, _ = run("trigger", "--endpoint", str(endpoint.pk))
    assert (status, json.loads(out)["type"]) == (0, "webhook.test")
