"""`refunddesk-agent`: refunds as tools for an agent, by the Model Context Protocol over stdin and stdout.

An agent finds a sale, asks what the rules say, asks for a refund, and follows and explains it. It approves nothing: there is no
tool for that. It works under a key whose mandate limits it, whatever it is talked into: without one it does not begin, and where
the mandate is taken away later nothing more is asked for.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Annotated, Any, ParamSpec

import httpx
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from refunddesk import NotConfigured, Refused, connect, from_environment, ok
from refunddesk.cli import id_of
from refunddesk.rest import AuthenticatedClient
from refunddesk.rest.api.api_keys import get_current_key
from refunddesk.rest.api.refund_quotes import quote_refund
from refunddesk.rest.api.refund_requests import get_refund_request, list_refund_request_events, submit_refund_request
from refunddesk.rest.api.transactions import list_transactions
from refunddesk.rest.models import RefundRequestRequest
from refunddesk.rest.types import UNSET

Arguments = ParamSpec("Arguments")
Answer = dict[str, Any]

OrderNo = Annotated[str, Field(min_length=1, max_length=64, description="order number, as on the receipt")]
Store = Annotated[str, Field(max_length=20, description="code of the store, where several have this order number")]
Fen = Annotated[int, Field(strict=True, gt=0, description="in fen: 100 are one yuan")]
Refund = Annotated[str, Field(min_length=1, max_length=64, description="number or id of the refund")]
_REASONS = (
    *("quality", "not_as_described", "service_failure", "price_adjustment", "wrong_amount", "duplicate_charge"),
    *("system_fault", "network_fault", "operator_error", "customer_cancelled", "no_reason", "goodwill"),
)
Why = Annotated[str, Field(description=", ".join(_REASONS))]
#: No words of customers and staff among them: whoever wrote those gives an agent no orders.
_SALE = "id,order_no,store,channel,status,amount_fen,refunded_fen,refundable_fen,paid_at,lines"
_REFUND = (
    *("id", "number", "state", "order_no", "store", "reason", "amount_fen", "approved_fen", "refunded_fen", "route"),
    *("due_at", "paused", "expected_arrival", "created_at", "updated_at", "reject_reason", "tracking_url"),
)


def main() -> int:
    """Serve until the other side hangs up. Returns the exit status."""
    try:
        client = connect(**from_environment())
        _check_mandate(client)
    except (NotConfigured, Refused, httpx.HTTPError, ToolError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    server(client).run()
    return 0


def server(client: AuthenticatedClient) -> MCPServer:
    """The tools, under the key of ``client``."""
    made = MCPServer(
        "refunddesk",
        instructions="Find the sale, quote, tell the customer, submit once they agree. People decide what the rules leave open.",
        log_level="ERROR",
    )
    reads = made.tool(annotations=ToolAnnotations(read_only_hint=True))

    @reads
    @_told
    def find_sale(
        order_no: Annotated[str, Field(max_length=64, description="order number, as on the receipt")] = "",
        store: Store = "",
        amount_fen: Fen | None = None,
        phone_last4: Annotated[str, Field(max_length=4, description="last four digits of the payer's phone")] = "",
        sku: Annotated[str, Field(max_length=64, description="code of an article")] = "",
    ) -> Answer:
        """Sales by their order number, or by two or more of amount, phone and article. The newest twenty."""
        if not (order_no or amount_fen or phone_last4 or sku):
            raise ToolError("name the order, or two facts of the sale")
        page = list_transactions.sync_detailed(
            client=client,
            order_no=order_no or UNSET,
            store=store or UNSET,
            amount_fen=amount_fen or UNSET,
            phone_last4=phone_last4 or UNSET,
            sku=sku or UNSET,
            fields=_SALE,
            limit=20,
        )
        return {"sales": [row.to_dict() for row in ok(page).results]}

    @reads
    @_told
    def quote(order_no: OrderNo, amount_fen: Fen, reason: Why, store: Store = "") -> Answer:
        """What would become of this refund: approved by the rules, left to a person, or refused, and why. Nothing is stored."""
        body = _wish(order_no=order_no, amount_fen=amount_fen, reason=reason, store=store)
        found = ok(quote_refund.sync_detailed(client=client, body=body)).to_dict()
        return {name: found[name] for name in ("refundable_fen", "verdict", "expected_arrival")}

    @made.tool(annotations=ToolAnnotations(destructive_hint=True, idempotent_hint=True))
    @_told
    def submit(
        order_no: OrderNo,
        amount_fen: Fen,
        reason: Why,
        wish: Annotated[
            str,
            Field(
                pattern="^[!-~]{1,200}$", description="your name for this one wish: the same again pays nothing twice"
            ),
        ],
        description: Annotated[str, Field(max_length=1000, description="what happened")] = "",
        store: Store = "",
        on_behalf_of: Annotated[str, Field(max_length=80, description="for whom, by your own number of them")] = "",
    ) -> Answer:
        """Ask for a refund to where the payment came from, once the customer agreed to the amount. Rules and people decide."""
        _check_mandate(client)
        body = _wish(order_no=order_no, amount_fen=amount_fen, reason=reason, store=store)
        body.description, body.on_behalf_of, body.customer_consent = description, on_behalf_of, True
        return _short(ok(submit_refund_request.sync_detailed(client=client, body=body, idempotency_key=wish)).to_dict())

    @reads
    @_told
    def status(refund: Refund) -> Answer:
        """How a refund stands. Say "paid" to a customer where ``state`` is refunded, follow_up or closed, never before."""
        return _short(ok(get_refund_request.sync_detailed(id_of(client, refund), client=client)).to_dict())

    @reads
    @_told
    def explain(refund: Refund) -> Answer:
        """Why a refund stands where it stands: each rule that was asked, each attempt to pay, and what has happened."""
        found = ok(get_refund_request.sync_detailed(id_of(client, refund), client=client))
        events = ok(list_refund_request_events.sync_detailed(found.id, client=client)).results
        said = found.to_dict()
        return {
            **_short(said),
            "verdict": said["verdict"],
            "attempts": [
                {name: one[name] for name in ("state", "explanation", "failure")} for one in said["executions"]
            ],
            "events": [
                {"at": one.at.isoformat(), "by": one.actor.kind, "action": one.action, "to_state": one.to_state}
                for one in events
            ],
        }

    return made


def _told(tool: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
    """A refusal is an answer that the agent reads."""

    @functools.wraps(tool)
    def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
        try:
            return tool(*args, **kwargs)
        except Refused as refusal:
            named = "; ".join(f"{one['field']}: {one['message']}" for one in refusal.problem.get("errors") or ())
            raise ToolError(f"{refusal}{f' ({named})' if named else ''}") from refusal
        except httpx.HTTPError as error:
            raise ToolError(f"no answer ({type(error).__name__}); the same call again does nothing twice") from error

    return call


def _check_mandate(client: AuthenticatedClient) -> None:
    if not ok(get_current_key.sync_detailed(client=client)).mandate:
        raise ToolError("the key has no mandate: an owner limits it at /desk/api-keys, then agents may use it")


def _wish(*, order_no: str, amount_fen: int, reason: str, store: str) -> RefundRequestRequest:
    # The API judges the reason: it knows those of today.
    return RefundRequestRequest(order_no=order_no, amount_fen=amount_fen, reason=reason, store=store or UNSET)  # type: ignore[arg-type]  # as above


def _short(said: Answer) -> Answer:
    return {name: said[name] for name in _REFUND}


if __name__ == "__main__":
    sys.exit(main())
