"""`refunddesk`: submit a refund, look at it, follow what happens, and try webhooks on one's own machine.

REFUNDDESK_URL and REFUNDDESK_KEY say where and as whom; REFUNDDESK_SIGNING_SECRET signs where the key demands it. Answers are
JSON.
"""

from __future__ import annotations

import argparse
import base64
import json
import secrets
import sys
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import httpx

from refunddesk import NotConfigured, Refused, connect, follow, from_environment, ok
from refunddesk.rest import AuthenticatedClient
from refunddesk.rest.api.refund_requests import get_refund_request, list_refund_requests, submit_refund_request
from refunddesk.rest.api.webhook_endpoints import test_webhook_endpoint
from refunddesk.rest.models import CustomerRequest, FeedEventOut, RefundRequestOut, RefundRequestRequest
from refunddesk.rest.types import UNSET
from refunddesk.webhooks import signed_headers


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit status: 1 where the API refused or did not answer, 2 for a command that is none."""
    options = _parser().parse_args(argv)
    try:
        with connect(**from_environment()) as client:
            options.run(client, options)
    except NotConfigured as missing:
        _complain(str(missing))
        return 2
    except (Refused, httpx.HTTPError) as error:
        _complain(str(error) or type(error).__name__)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _submit(client: AuthenticatedClient, options: argparse.Namespace) -> None:
    key = options.idempotency_key or str(uuid.uuid4())
    _complain(f"Idempotency-Key: {key}")
    body = RefundRequestRequest(
        order_no=options.order_no,
        store=options.store or UNSET,
        amount_fen=options.amount_fen,
        reason=options.reason,
        description=options.description,
        route=options.route,
        customer=CustomerRequest(phone=options.phone) if options.phone else UNSET,
        customer_consent=options.consent or None,
        on_behalf_of=options.on_behalf_of,
    )
    _show(ok(submit_refund_request.sync_detailed(client=client, body=body, idempotency_key=key)))


def _status(client: AuthenticatedClient, options: argparse.Namespace) -> None:
    _show(ok(get_refund_request.sync_detailed(id_of(client, options.refund), client=client)))


def id_of(client: AuthenticatedClient, named: str) -> UUID:
    """By its id or its number."""
    try:
        return UUID(named)
    except ValueError:
        page = ok(list_refund_requests.sync_detailed(client=client, number=named, fields="id"))
    found = [row.id for row in page.results if isinstance(row.id, UUID)]
    if not found:
        raise Refused(404, {"code": "not_found", "detail": f"no refund has the number {named}"})
    return found[0]


def _tail(client: AuthenticatedClient, options: argparse.Namespace) -> None:
    for event in _events(client, options):
        sys.stdout.write(json.dumps(event.to_dict(), ensure_ascii=False) + "\n")
        sys.stdout.flush()


def _listen(client: AuthenticatedClient, options: argparse.Namespace) -> None:
    """Send each event on as a webhook would bring it, once; what is not answered is only said."""
    secret = options.secret or "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    _complain(f"signed by {secret}")
    with httpx.Client(timeout=15) as receiver:
        for event in _events(client, options):
            body = json.dumps(event.to_dict(), ensure_ascii=False).encode()
            headers = signed_headers(body, event_id=event.id, secret=secret, at=datetime.now(UTC))
            try:
                said = str(receiver.post(options.forward_to, content=body, headers=headers).status_code)
            except httpx.TransportError as error:
                said = type(error).__name__
            sys.stdout.write(f"{event.id} {event.type_} -> {said}\n")
            sys.stdout.flush()


def _events(client: AuthenticatedClient, options: argparse.Namespace) -> Iterator[FeedEventOut]:
    for page in follow(client, after=options.after, types=options.type or None, stop_when_read=options.once):
        yield from page.results


def _trigger(client: AuthenticatedClient, options: argparse.Namespace) -> None:
    if options.endpoint is not None:
        _show(ok(test_webhook_endpoint.sync_detailed(options.endpoint, client=client)))
        return
    # Of the sandbox: there for test keys only.
    answer = client.get_httpx_client().post("/api/v1/test/events", json={"type": options.type})
    if answer.is_error:
        raise Refused(answer.status_code, answer.json())
    _print(answer.json())


def _show(found: RefundRequestOut | Any) -> None:
    _print(found.to_dict())


def _print(data: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=1) + "\n")


def _complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="refunddesk", description=__doc__)
    commands = cast(Any, parser.add_subparsers(required=True, metavar="COMMAND"))
    submit = commands.add_parser("submit", help="ask for a refund of an order")
    submit.set_defaults(run=_submit)
    submit.add_argument("--order-no", required=True)
    submit.add_argument("--amount-fen", required=True, type=int, help="100 are one yuan")
    submit.add_argument("--reason", required=True, help="quality, wrong_amount, duplicate_charge, ...")
    submit.add_argument("--store", default="", help="its code, where several stores have this order number")
    submit.add_argument("--description", default="")
    submit.add_argument("--route", default="original")
    submit.add_argument("--phone", default="", help="the customer's")
    submit.add_argument("--consent", action="store_true", help="the customer agreed to amount and route")
    submit.add_argument("--on-behalf-of", default="", help="for whom, by your own number of them")
    submit.add_argument(
        "--idempotency-key", default="", help="of an earlier try of the same; else a new one, which is printed"
    )
    status = commands.add_parser("status", help="how a refund stands")
    status.set_defaults(run=_status)
    status.add_argument("refund", help="its number or id")
    tail = commands.add_parser("tail", help="print what happens, a line of JSON an event")
    tail.set_defaults(run=_tail)
    listen = commands.add_parser("listen", help="send what happens to an address, signed like a webhook")
    listen.set_defaults(run=_listen)
    listen.add_argument("--forward-to", required=True, metavar="URL")
    listen.add_argument("--secret", default="", help="whsec_...; else a new one, which is printed")
    for one in (tail, listen):
        one.add_argument("--after", default="latest", help="a cursor; by default what comes from now on")
        one.add_argument("--type", action="append", default=[], help="only these; may repeat")
        one.add_argument("--once", action="store_true", help="stop where there is no more, instead of waiting")
    trigger = commands.add_parser("trigger", help="have a test event sent")
    trigger.set_defaults(run=_trigger)
    which = trigger.add_mutually_exclusive_group(required=True)
    which.add_argument("type", nargs="?", help="in the sandbox: an event of this type")
    which.add_argument("--endpoint", type=int, help="`webhook.test` to this endpoint of webhooks")
    return parser


if __name__ == "__main__":
    sys.exit(main())
