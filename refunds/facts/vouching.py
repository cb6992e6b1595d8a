"""What stands behind an approval or a rejection, looked at again before money leaves and by an invariant.

Behind each stands its event, which nobody without the audit key can write: who, what amount, of which sale, how they showed that
it was them. Where more is at stake, above the four-eyes limit and where money leaves to whoever is named, they signed a
statement (``merchants.signing``), and all of it is compared with the rows as they are now.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from core.audit.models import AuditEvent
from core.audit.record import is_ours
from core.audit.verifying import written_without_key
from core.errors import Conflict
from core.money import yuan_grouped
from core.personal_data import search_hash
from merchants import signing
from merchants.models import Signature
from merchants.principals import Principal
from merchants.signing import Signed, Statement
from refunds.facts import payees
from refunds.models import Approval, Execution, Leg, Payee, RefundRequest
from refunds.models.approval import Decision
from refunds.rules.policy import TWO_FOR
from refunds.states import EXECUTION_ENDED, ExecutionState, RejectReason, Route, State

logger = logging.getLogger(__name__)

#: The sale of a refund that went out without one: what was approved for its stand-in is the sale's.
SALE_FOUND = "refund.find_sale"
TRANSFER_RETURNED = "refund.transfer_returned"
_SAID = ("refund.submit", "refund.resubmit")
_REJECTED, _APPROVED = "refund.reject", "refund.approve"
_EVENTS = (
    *_SAID,
    _REJECTED,
    _APPROVED,
    "refund.approve_first",
    "refund.approve_by_rule",
    "refund.renew_leg",
    SALE_FOUND,
)
_VOUCHED = (Decision.APPROVE, Decision.REJECT)
_UNDER_WAY = (State.APPROVED, State.EXECUTING, State.UNKNOWN, State.MANUAL_PENDING, State.PARTIALLY_REFUNDED)


# --- signing ----------------------------------------------------------------------------------------------------------


def sign_approval(
    *, request: RefundRequest, amount_fen: int, routes: Collection[str], needed: int, by: Principal, at: datetime
) -> tuple[Signed, dict[str, Any]]:
    """Have an approval signed where it must be, and what its event says of all this. Raises what ``signing.sign`` raises."""

    def said() -> Statement:
        before = request.approvals.filter(decision=Decision.APPROVE, version=request.version).count()
        return _statement(request, amount_fen, routes, _nth(before))

    always = needed > 1 or not TWO_FOR.isdisjoint(routes)
    signed = signing.sign(
        statement=said, object_type="refund_request", object_id=request.pk, by=by, at=at, always=always
    )
    return signed, {"needed": needed, "sales": _sales(request), **signed.told}


def sign_rejection(
    *, request: RefundRequest, reason: str, routes: Collection[str], needed: int, by: Principal, at: datetime
) -> Signed:
    """Have a rejection signed where an approval of as much would have to be: a forged one takes money as surely."""
    return signing.sign(
        statement=lambda: _statement(request, request.amount_fen, routes, Decision.REJECT.value, reason=reason),
        object_type="refund_request",
        object_id=request.pk,
        by=by,
        at=at,
        always=needed > 1 or not TWO_FOR.isdisjoint(routes),
    )


def sign_move(
    *, request: RefundRequest, leg: Leg, route: str, payee: Payee | None, by: Principal, at: datetime
) -> Signed:
    """Have it signed that a part goes back by another route, or to another account."""
    return signing.sign(
        statement=lambda: _statement(request, leg.amount_fen, (route,), f"move_leg/{leg.sequence}", payee),
        object_type="refund_request",
        object_id=request.pk,
        by=by,
        at=at,
        always=route in TWO_FOR,
    )


def sign_other_account(*, execution: Execution, payee: Payee, by: Principal, at: datetime) -> Signed:
    """Have it signed that a transfer which came back is paid again to another account."""
    request, way = execution.request, (Route.BANK_TRANSFER,)
    return signing.sign(
        statement=lambda: _statement(request, execution.amount_fen, way, "return_to", payee),
        object_type="returned_transfer",
        object_id=execution.pk,
        by=by,
        at=at,
    )


def check_other_account(*, request: RefundRequest, payee: Payee) -> None:
    """Raise ``NotVouched`` where nobody said that what came back goes to this account."""
    events = AuditEvent.objects.filter(object_id=str(request.pk), action=TRANSFER_RETURNED).order_by("-pk")
    if not any(one.data.get("payee") == payee_hash(payee) and is_ours(one) for one in events):
        raise NotVouched("nobody named this account")


def _nth(before: int) -> str:
    """Of several approvals of one version each signs something of its own: the second of two, and who approves once more."""
    return "approve" if not before else f"approve/{before + 1}"


def _statement(
    request: RefundRequest,
    amount_fen: int,
    routes: Collection[str],
    decision: str,
    payee: Payee | None = None,
    reason: str = "",
) -> Statement:
    if payee is None and Route.BANK_TRANSFER in routes:
        payee = payees.of(request, route=Route.BANK_TRANSFER)
    ways = ", ".join(str(Route(route).label) for route in sorted(routes))
    told = {"amount": f"¥{yuan_grouped(amount_fen)}", "route": f"{ways} ({'+'.join(sorted(routes))})"}
    if payee is not None:
        masked = payees.masked(payee)
        told["payee"] = " ".join(filter(None, (masked["holder_name"], masked["account_no"], masked["bank_name"])))
    if reason:
        told["decision"] = f"{Decision(decision).label} ({decision})"
        told["reason"] = f"{RejectReason(reason).label} ({reason})"
    return Statement(
        {
            "request": request.number,
            "version": request.version,
            "amount": amount_fen,
            "payee": payee_hash(payee),
            "route": "+".join(sorted(routes)),
            "policy_version": request.policy_version.number,
            "decision": decision,
            **({"reason": reason} if reason else {}),
        },
        told,
    )


def payee_hash(payee: Payee | None) -> str:
    """The account and its holder, by a hash that nobody reverses without our key; "" for none."""
    if payee is None:
        return ""
    return search_hash("payee", f"{payee.holder_name}\n{payee.account_no}\n{payee.bank_name}").hex()


def _sales(request: RefundRequest) -> list[str]:
    if not request.leg_count:
        return [str(request.transaction_id)]
    return sorted({str(leg.transaction_id) for leg in request.legs.all()})


# --- looking again ----------------------------------------------------------------------------------------------------


class NotVouched(Conflict, code="not_vouched"):
    """What would be paid is not what was approved: somebody has changed rows past the product."""


def check(request: RefundRequest) -> None:
    """Raise ``NotVouched`` where ``faults`` finds something, for whoever is about to pay it."""
    if why := faults([request.pk], paying=True).get(request.pk):
        logger.error("request %s is not paid: %s", request.pk, why)
        raise NotVouched(why)


def faults(request_ids: Iterable[UUID], *, paying: bool = False) -> dict[UUID, str]:
    """Of requests those whose decisions are not what they say, or that would now pay something else than was approved, and why.

    ``paying``: money is about to leave, whatever state they say they are in.
    """
    requests = {one.pk: one for one in _requests(request_ids)}
    given: dict[UUID, list[Approval]] = defaultdict(list)
    for row in Approval.objects.filter(request_id__in=requests, decision__in=_VOUCHED).order_by("pk"):
        given[row.request_id].append(row)
    events: dict[UUID, list[AuditEvent]] = defaultdict(list)
    exempt = None
    for event in AuditEvent.objects.filter(object_id__in=list(map(str, requests)), action__in=_EVENTS).order_by("pk"):
        if not is_ours(event):
            exempt = written_without_key() if exempt is None else exempt
            if event.pk > exempt:
                continue
        events[UUID(event.object_id)].append(event)
    digests = [bytes.fromhex(one.data["signed"]) for some in events.values() for one in some if "signed" in one.data]
    signatures = (
        {bytes(row.digest).hex(): row for row in Signature.objects.filter(digest__in=digests)} if digests else {}
    )
    broken = signing.faults(signatures.values()) if signatures else {}
    found = {}
    for pk, request in requests.items():
        look = _Look(request, given[pk], events[pk], signatures, broken)
        if why := look.fault(paying=paying):
            found[pk] = why
    return found


def _requests(request_ids: Iterable[UUID]) -> Iterable[RefundRequest]:
    rows = RefundRequest.objects.filter(pk__in=set(request_ids)).select_related("policy_version", "merchant")
    return rows.defer("customer_name", "customer_phone", "customer_email", "description", "policy_version__rules")


class _Look:
    """One request with its approvals, genuine events and signatures."""

    def __init__(
        self,
        request: RefundRequest,
        given: Sequence[Approval],
        events: Sequence[AuditEvent],
        signatures: dict[str, Signature],
        broken: dict[int, str],
    ) -> None:
        self.request, self.given, self.events = request, given, events
        self.signatures, self.broken = signatures, broken

    def fault(self, *, paying: bool) -> str:
        """Why it does not hold, "" where it does."""
        used: set[int] = set()
        behind: dict[int, AuditEvent] = {}
        for row in self.given:
            event = next((one for one in self.events if one.pk not in used and _tells_of(one, row)), None)
            if event is None:
                return f"{row.decision} {row.pk} was not decided"
            used.add(event.pk)
            behind[row.pk] = event
            if why := self._signed(row, event):
                return why
        request = self.request
        if not paying and request.state == State.REJECTED:
            return self._rejected(behind)
        if not paying and request.state not in _UNDER_WAY:
            return ""
        if request.by_rule:
            return self._by_rule()
        finals = (row for row in reversed(self.given) if row.lapses_at is None and row.decision == Decision.APPROVE)
        final = next(finals, None)
        if final is None:
            return "nobody approved it"
        return self._present(final, behind[final.pk])

    def _rejected(self, behind: dict[int, AuditEvent]) -> str:
        """Whether it is a person who rejected what was asked for last."""
        last = self.given[-1] if self.given else None
        if last is None or last.decision != Decision.REJECT or last.reason != self.request.reject_reason:
            return "nobody rejected it"
        again = any(one.action in _SAID and one.pk > behind[last.pk].pk for one in self.events)
        return "nobody rejected what was asked for last" if again else ""

    def _by_rule(self) -> str:
        if not any(one.action == "refund.approve_by_rule" for one in self.events):
            return "no rule approved it"
        asked = [int(one.data["amount_fen"]) for one in self.events if one.action in _SAID and "amount_fen" in one.data]
        rows = self._live()
        if asked and sum(row.amount_fen for row in rows) > asked[-1]:
            return "more is on its way than was asked for"
        # The part of an order that was paid in cash may go back in cash; an account a rule never approves.
        return self._routed(rows, {"cash"} if self.request.leg_count else set(), "", after=0)

    def _live(self) -> list[Execution]:
        live = Execution.objects.filter(request=self.request)
        live = live.exclude(state__in=[ExecutionState.FAILED, ExecutionState.CANCELLED])
        return list(live.select_related("channel_account").defer("channel_account__sealed_credentials"))

    def _signed(self, row: Approval, event: AuditEvent) -> str:
        if "signed" not in event.data:
            return "" if row.signature_id is None else f"{row.decision} {row.pk} has another's signature"
        signature = self.signatures.get(event.data["signed"])
        if signature is None or signature.pk != row.signature_id:
            return f"the signature of {row.decision} {row.pk} is gone, or another's"
        if why := self.broken.get(signature.pk):
            return f"{row.decision} {row.pk}: {why}"
        version = row.version if row.lapses_at is not None else row.version - 1
        before = sum(one.lapses_at is not None and one.version == version and one.pk < row.pk for one in self.given)
        said = _fields(signature)
        expected: dict[str, object] = {"request": self.request.number, "version": version}
        if row.decision == Decision.APPROVE:
            expected |= {"amount": row.amount_fen, "decision": _nth(before)}
        else:
            expected |= {"reason": row.reason, "decision": row.decision}
        if signature.staff_id != row.staff_id or any(said.get(name) != value for name, value in expected.items()):
            return f"{row.decision} {row.pk} is not what was signed"
        since = self.request.merchant.requires_passkeys_since
        if since is not None and row.at >= since and signature.factor != signing.PASSKEY:
            return f"{row.decision} {row.pk} was not signed with a passkey"
        return ""

    def _present(self, final: Approval, event: AuditEvent) -> str:
        """What would be paid now, against what was approved."""
        request, data = self.request, event.data
        if "factor" not in data:
            # From before it was signed.
            return ""
        rows = self._live()
        if sum(row.amount_fen for row in rows) > (final.amount_fen or 0):
            return "more is on its way than was approved"
        later = [one for one in self.events if one.action == SALE_FOUND and one.pk > event.pk]
        if not {str(row.transaction_id) for row in rows} <= {*data["sales"], *(one.data["sale"] for one in later)}:
            return "another sale's payment is on its way"
        said = _fields(self.signatures[data["signed"]]) if "signed" in data else {}
        if said and said["policy_version"] != request.policy_version.number:
            return "judged by another policy than was signed"
        routes, payee = set(str(said.get("route", "")).split("+")), str(said.get("payee", ""))
        return self._routed(rows, routes, payee, after=event.pk)

    def _routed(self, rows: Sequence[Execution], routes: set[str], payee: str, *, after: int) -> str:
        """Whether what leaves to whoever is named leaves as it was signed, or signed again since, where a part was moved."""
        for move in (one for one in self.events if one.action == "refund.renew_leg" and one.pk > after):
            moved = self.signatures.get(move.data.get("signed", ""))
            if moved is not None and moved.pk not in self.broken and moved.object_id == str(self.request.pk):
                routes = routes | {str(_fields(moved)["route"])}
                payee = str(_fields(moved)["payee"]) or payee
        for row in rows:
            route = row.channel_account.channel
            if row.state in EXECUTION_ENDED or route not in TWO_FOR:
                continue
            if route not in routes:
                return "it leaves by a route that nobody signed"
            if route == Route.BANK_TRANSFER and payee_hash(payees.of(self.request, route=route)) != payee:
                return "it goes to an account that nobody signed"
        return ""


def _tells_of(event: AuditEvent, row: Approval) -> bool:
    """Whether this event is about this decision."""
    data = event.data
    if row.decision == Decision.REJECT:
        same = event.action == _REJECTED and event.version == row.version and data.get("reason") == row.reason
    elif row.lapses_at is None:
        same = event.action == _APPROVED and event.version == row.version
    else:
        same = event.action == "refund.approve_first"
    return (
        same
        and (event.actor_kind, event.actor_id) == ("staff", str(row.staff_id))
        and event.at == row.at
        and data.get("amount_fen") == row.amount_fen
        and data.get("needed", row.needed) == row.needed
        and data.get("factor", "") == row.factor
        and data.get("tier", row.tier) == row.tier
    )


def _fields(signature: Signature) -> dict[str, Any]:
    found = json.loads(signature.statement)
    return found if isinstance(found, dict) else {}
