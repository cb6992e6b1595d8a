"""The generated Python client against a server: every call answers as its own document says, over the wire."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import Any, cast

import pytest
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from refunddesk import Refused, connect, follow, ok
from refunddesk.rest.api.api_keys import get_current_key
from refunddesk.rest.api.evidence import send_evidence_ahead
from refunddesk.rest.api.orders import get_order
from refunddesk.rest.api.policy import get_policy
from refunddesk.rest.api.refund_batches import file_refund_batch, get_refund_batch, list_refund_batch_rows
from refunddesk.rest.api.refund_quotes import quote_refund
from refunddesk.rest.api.refund_requests import (
    cancel_refund_request,
    get_refund_request,
    list_refund_request_events,
    list_refund_requests,
    submit_refund_request,
)
from refunddesk.rest.api.terminals import report_terminal
from refunddesk.rest.api.transactions import get_transaction, list_transactions, report_transaction
from refunddesk.rest.api.webhook_endpoints import (
    add_webhook_endpoint,
    change_webhook_endpoint,
    list_webhook_deliveries,
    list_webhook_endpoints,
    remove_webhook_endpoint,
    rotate_webhook_secret,
    test_webhook_endpoint,
)
from refunddesk.rest.models import (
    BatchRequest,
    EvidenceRequest,
    HeartbeatRequest,
    NewEndpointRequest,
    PatchedEndpointChangeRequest,
    RefundRequestRequest,
    RotateRequest,
    TransactionRequest,
    VersionRequest,
)
from refunddesk.rest.types import UNSET, File
from tests import pictures
from tests.api.conftest import api_for
from tests.factories import make_account, make_merchant
from tests.integrations.rig import tell


@pytest.mark.django_db(transaction=True)
def test_client_when_it_makes_all_calls_of_a_till_gets_what_it_asked_for(live_server: LiveServer) -> None:
    merchant = make_merchant()
    make_account(merchant)
    with connect(live_server.url, api_for(merchant).key) as client:
        _sell_and_refund(client)
        _webhooks(client)
        assert ok(get_policy.sync_detailed(client=client)).auto_approve_limit_fen == 20_000
        assert ok(get_current_key.sync_detailed(client=client)).mandate == {}
        till = merchant.stores.get().terminals.get().code
        beat = HeartbeatRequest(version="2.1")
        assert ok(report_terminal.sync_detailed(till, client=client, body=beat)).software_version == "2.1"
        events = [tell(merchant).sequence for _ in range(2)]
        (page,) = follow(client, types=["refund_request.approved"], stop_when_read=True)
        assert [one.sequence for one in page.results] == events
    with connect(live_server.url, "rdk_nobody") as stranger, pytest.raises(Refused, match="invalid_api_key"):
        ok(get_policy.sync_detailed(client=stranger))


def _sell_and_refund(client: Any) -> None:
    sale = TransactionRequest.from_dict(
        {
            "order_no": "C-1",
            "channel": "wechat",
            "channel_transaction_no": "42000000000000000000000000001",
            "amount_fen": 10_000,
            "paid_at": (timezone.now() - timedelta(hours=1)).isoformat(),
            "store": "S001",
            "lines": [{"sku": "A", "name": "空气炸锅", "quantity": 1, "unit_price_fen": 10_000, "amount_fen": 10_000}],
        }
    )
    first = report_transaction.sync_detailed(client=client, body=sale, idempotency_key="s-1")
    again = report_transaction.sync_detailed(client=client, body=sale, idempotency_key="s-2")
    assert (first.status_code, again.status_code, ok(again).id) == (201, 200, ok(first).id)
    (row,) = ok(list_transactions.sync_detailed(client=client, order_no="C-1", fields="id,lines")).results
    assert (row.id, row.amount_fen) == (ok(first).id, UNSET)
    assert ok(get_order.sync_detailed("C-1", client=client)).refundable_fen == 10_000
    picture = EvidenceRequest(file=File(BytesIO(pictures.encoded()), "a.jpg", "image/jpeg"), kind="photo")
    sent = ok(send_evidence_ahead.sync_detailed(client=client, body=picture, idempotency_key="p-1"))
    wish = RefundRequestRequest(order_no="C-1", amount_fen=1_200, reason="quality", customer_consent=True)
    assert ok(quote_refund.sync_detailed(client=client, body=wish)).verdict.decision == "approve"
    wish.evidence = [sent.id]
    made = ok(submit_refund_request.sync_detailed(client=client, body=wish, idempotency_key="r-1"))
    replayed = submit_refund_request.sync_detailed(client=client, body=wish, idempotency_key="r-1")
    assert (ok(replayed).id, replayed.headers["Idempotent-Replayed"]) == (made.id, "true")
    wish.amount_fen, wish.evidence = 90_000, UNSET
    with pytest.raises(Refused) as refused:
        ok(submit_refund_request.sync_detailed(client=client, body=wish, idempotency_key="r-2"))
    assert (refused.value.status, refused.value.code) == (422, "exceeds_refundable")
    whole = ok(get_refund_request.sync_detailed(made.id, client=client))
    assert (whole.executions[0].amount_fen, whole.verdict.rules[0].passed, whole.payee) == (1_200, True, None)
    since = whole.updated_at
    cancelled = ok(
        cancel_refund_request.sync_detailed(made.id, client=client, body=VersionRequest(version=whole.version))
    )
    (short,) = ok(list_refund_requests.sync_detailed(client=client, updated_after=since, state="cancelled")).results
    assert (short.version, short.verdict) == (cancelled.version, UNSET)
    timeline = ok(list_refund_request_events.sync_detailed(made.id, client=client)).results
    assert timeline[-1].to_state == "cancelled"
    assert [one.number for one in ok(get_transaction.sync_detailed(ok(first).id, client=client)).refund_requests] == [
        made.number
    ]
    batch = BatchRequest(name="b", rows=[{"order_no": "C-1", "amount_fen": 100, "reason": "quality"}])
    filed = ok(file_refund_batch.sync_detailed(client=client, body=batch, idempotency_key="b-1"))
    assert ok(get_refund_batch.sync_detailed(filed.id, client=client)).state == filed.state
    assert len(ok(list_refund_batch_rows.sync_detailed(filed.id, client=client)).results) == 1


def _webhooks(client: Any) -> None:
    wanted = NewEndpointRequest(url="https://93.184.216.34/hook")
    hook = ok(add_webhook_endpoint.sync_detailed(client=client, body=wanted, idempotency_key="h-1"))
    assert cast(str, hook.secret).startswith("whsec_")
    change = PatchedEndpointChangeRequest(style="full")
    assert ok(change_webhook_endpoint.sync_detailed(hook.id, client=client, body=change)).style == "full"
    assert ok(rotate_webhook_secret.sync_detailed(hook.id, client=client, body=RotateRequest())).secret != hook.secret
    ok(test_webhook_endpoint.sync_detailed(hook.id, client=client))
    (sent,) = ok(list_webhook_deliveries.sync_detailed(hook.id, client=client)).results
    assert (sent.type_, sent.status) == ("webhook.test", "pending")
    ok(remove_webhook_endpoint.sync_detailed(hook.id, client=client))
    assert ok(list_webhook_endpoints.sync_detailed(client=client)).results == []
