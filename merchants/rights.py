"""Who may do what: one table, asked inside every act.

A line says for each role whether it may, and of what: ``yes`` is everything in their stores, ``own`` what they asked for
themselves, ``held`` what is on their desk. A key needs the scope that the line names. The conditions after it hold for those who
may; those that need a refund's own data are checked where that data is (``refunds.facts.conditions``).

Session, key, customer and system are all asked here, so that a face can show too much but never allow it. ``docs/rights.md`` is
made from this table by ``manage.py rights``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from core.errors import Forbidden, NotFound
from merchants.models.api_key import KeyScope
from merchants.models.staff import Role
from merchants.principals import Kind, Principal


class KeyStopped(Forbidden, code="key_stopped"):
    """Somebody has stopped this key, the keys of this store, or all keys of the merchant."""


class Act(StrEnum):
    """Everything that somebody does and that is not the same for everyone."""

    REPORT_SALE = "report_sale"
    CORRECT_SALE = "correct_sale"
    READ_SALES = "read_sales"
    ASK_CHANNEL = "ask_channel"
    QUOTE = "quote"
    SUBMIT = "submit"
    FILE_BATCH = "file_batch"
    CONFIRM_BATCH = "confirm_batch"
    READ_REFUNDS = "read_refunds"
    CANCEL = "cancel"
    RESUBMIT = "resubmit"
    RESUBMIT_FAILED = "resubmit_failed"
    ADD_EVIDENCE = "add_evidence"
    CONSENT = "consent"
    ADD_NOTE = "add_note"
    AGREE = "agree"
    REOPEN = "reopen"
    FIND_WITHOUT_RECEIPT = "find_without_receipt"
    SETTLE_WITHOUT_RECEIPT = "settle_without_receipt"
    REPORT_INCIDENT = "report_incident"
    HANDLE_INCIDENT = "handle_incident"
    RATE = "rate"
    ANSWER_REPORT = "answer_report"
    SEE_QUEUE = "see_queue"
    CLAIM = "claim"
    RELEASE = "release"
    REASSIGN = "reassign"
    APPROVE = "approve"
    REJECT = "reject"
    REQUEST_INFO = "request_info"
    EXTEND = "extend"
    ASK_GOODS = "ask_goods"
    SEND_GOODS = "send_goods"
    RECEIVE_GOODS = "receive_goods"
    INSPECT_GOODS = "inspect_goods"
    OFFER_EXCHANGE = "offer_exchange"
    ANSWER_OFFER = "answer_offer"
    PAY_CASH = "pay_cash"
    PAY_BY_HAND = "pay_by_hand"
    TAKE_TRANSFERS = "take_transfers"
    RETRY = "retry"
    REDIRECT = "redirect"
    REDIRECT_TO_PERSON = "redirect_to_person"
    END_UNKNOWN = "end_unknown"
    RESEND = "resend"
    REVEAL = "reveal"
    EXPORT = "export"
    SEE_ANALYTICS = "see_analytics"
    SEE_RECONCILIATION = "see_reconciliation"
    TAKE_STATEMENT = "take_statement"
    RESOLVE_DIFFERENCE = "resolve_difference"
    ADOPT = "adopt"
    CLOSE_DAY = "close_day"
    END_HOLD = "end_hold"
    SET_HOURS = "set_hours"
    GIVE_GRACE = "give_grace"
    SEE_POLICY = "see_policy"
    DRAFT_POLICY = "draft_policy"
    PUBLISH_POLICY = "publish_policy"
    DELEGATE = "delegate"
    REVIEW_POLICY = "review_policy"
    ADD_CHANNEL_RULE = "add_channel_rule"
    MANAGE_STORES = "manage_stores"
    MANAGE_TILLS = "manage_tills"
    REPORT_TILL = "report_till"
    RUN_SHIFT = "run_shift"
    SEE_AUDIT = "see_audit"
    SET_WORDING = "set_wording"
    ERASE = "erase"
    ERASE_OWN = "erase_own"
    MANAGE_KEYS = "manage_keys"
    MANAGE_WEBHOOKS = "manage_webhooks"
    CHANGE_CREDENTIALS = "change_credentials"
    MANAGE_TEAM = "manage_team"
    RESET_ACCESS = "reset_access"


class Reach(StrEnum):
    """Of what somebody may do it."""

    NO = ""
    HELD = "held"
    OWN = "own"
    YES = "yes"


class Condition(StrEnum):
    """What must hold beside the role."""

    WHOLE = "whole"
    DISTANCE = "distance"
    NOT_APPROVER = "not_approver"
    NOT_FIRST = "not_first"
    NOT_AUTHOR = "not_author"
    TIER = "tier"


CONDITIONS: Final[Mapping[Condition, str]] = {
    Condition.WHOLE: "those who work in all stores only: it is of the whole merchant",
    Condition.DISTANCE: (
        "nobody who asked for it, corrected it, gave its account, sent its payout elsewhere or rang the sale up; a key counts as "
        "the person who made it, and who decides for somebody away as that person, too"
    ),
    Condition.NOT_APPROVER: "nobody who has approved it; a key counts as the person who made it",
    Condition.NOT_FIRST: "nobody who gave the first of two approvals, or for whom it was given",
    Condition.NOT_AUTHOR: (
        "nobody who changed the draft; where one person alone may publish, they say so and the version keeps it"
    ),
    Condition.TIER: (
        "whose role, or that of somebody away for whom they decide, decides an amount like this, by the policy in force now; "
        "to claim and to approve, the amount is all that its "
        "order or its customer's day comes to with it; to reject or ask back, its own"
    ),
}

_NO, _HELD, _OWN, _YES = Reach.NO, Reach.HELD, Reach.OWN, Reach.YES
_WHOLE, _DISTANCE = Condition.WHOLE, Condition.DISTANCE
_NOT_FIRST = Condition.NOT_FIRST
_NOT_APPROVER, _NOT_AUTHOR, _TIER = Condition.NOT_APPROVER, Condition.NOT_AUTHOR, Condition.TIER


@dataclass(frozen=True, slots=True)
class Right:
    """A line of the table. ``scope`` is what a key needs; "" keeps keys out."""

    does: str
    cashier: Reach
    reviewer: Reach
    manager: Reach
    finance: Reach
    owner: Reach
    scope: str = ""
    key: Reach = _NO
    customer: Reach = _NO
    system: Reach = _NO
    conditions: tuple[Condition, ...] = ()

    def of_role(self, role: str) -> Reach:
        return Reach(getattr(self, role)) if role in Role.values else _NO

    def of(self, by: Principal) -> Reach:
        """How far this principal's right reaches, before its store and the conditions are looked at."""
        if not by.is_active:
            return _NO
        if by.kind is Kind.STAFF:
            return self.of_role(by.role)
        if by.kind is Kind.KEY:
            return self.key if self.scope in by.scopes else _NO
        return {Kind.CUSTOMER: self.customer, Kind.SYSTEM: self.system}.get(by.kind, _NO)


# fmt: off
#: act: what it is                                       cashier reviewer manager finance owner
TABLE: Final[Mapping[Act, Right]] = {
    Act.REPORT_SALE: Right("report a sale",                   _NO,   _NO,  _NO,  _NO,  _NO,
                           scope=KeyScope.TRANSACTIONS_WRITE, key=_YES, system=_YES),
    Act.CORRECT_SALE: Right("set right what was reported of a sale",
                                                              _NO,   _NO,  _NO,  _YES, _YES,
                            scope=KeyScope.TRANSACTIONS_CORRECT, key=_YES),
    Act.READ_SALES: Right("find and read sales",              _YES,  _YES, _YES, _YES, _YES,
                          scope=KeyScope.TRANSACTIONS_READ, key=_YES),
    Act.ASK_CHANNEL: Right("ask the channel about a payment", _YES,  _YES, _YES, _YES, _YES,
                           scope=KeyScope.TRANSACTIONS_READ, key=_YES, system=_YES),
    Act.QUOTE: Right("ask the policy",                        _YES,  _YES, _YES, _YES, _YES,
                     scope=KeyScope.REFUNDS_READ, key=_YES),
    Act.SUBMIT: Right("ask for a refund",                     _YES,  _YES, _YES, _YES, _YES,
                      scope=KeyScope.REFUNDS_WRITE, key=_YES, customer=_OWN, system=_YES),
    Act.FILE_BATCH: Right("ask for many refunds at once, bring a file of them or of sales, and call either off",
                                                              _NO,   _NO,  _YES, _YES, _YES,
                          scope=KeyScope.REFUNDS_WRITE, key=_OWN),
    Act.CONFIRM_BATCH: Right("let a batch run that somebody else filed",
                                                              _NO,   _NO,  _YES, _YES, _YES),
    Act.READ_REFUNDS: Right("read refunds",                   _YES,  _YES, _YES, _YES, _YES,
                            scope=KeyScope.REFUNDS_READ, key=_YES, customer=_OWN),
    Act.CANCEL: Right("withdraw a refund before it is sent",  _OWN,  _YES, _YES, _OWN, _YES,
                      scope=KeyScope.REFUNDS_WRITE, key=_OWN, system=_YES),
    Act.RESUBMIT: Right("send in again what was asked back or rejected; a rejected one goes to a person",
                                                              _OWN,  _YES, _YES, _OWN, _YES,
                        scope=KeyScope.REFUNDS_WRITE, key=_OWN, customer=_OWN, system=_YES),
    Act.RESUBMIT_FAILED: Right("send in again, corrected, what could not be paid",
                                                              _OWN,  _YES, _YES, _YES, _YES,
                               scope=KeyScope.REFUNDS_WRITE, key=_OWN, customer=_OWN, system=_YES),
    Act.ADD_EVIDENCE: Right("add pictures",                   _YES,  _YES, _YES, _YES, _YES,
                            scope=KeyScope.REFUNDS_WRITE, key=_OWN, customer=_OWN, system=_YES),
    Act.CONSENT: Right("say whether a customer wants messages in WeChat",
                                                              _NO,   _NO,  _NO,  _NO,  _NO,
                       scope=KeyScope.REFUNDS_WRITE, key=_OWN),
    Act.ADD_NOTE: Right("write a note for colleagues",        _YES,  _YES, _YES, _YES, _YES),
    Act.AGREE: Right("note what a customer agreed to: another amount",
                                                              _OWN,  _YES, _YES, _OWN, _YES,
                     scope=KeyScope.REFUNDS_WRITE, key=_OWN),
    Act.REOPEN: Right("take up a rejected refund again, with new evidence; somebody else decides it",
                                                              _NO,   _NO,  _YES, _NO,  _YES),
    Act.FIND_WITHOUT_RECEIPT: Right("look for a sale without its receipt, say which it is, or ask for a refund without it",
                                                              _YES,  _YES, _YES, _YES, _YES,
                                    scope=KeyScope.REFUNDS_WRITE, key=_YES),
    Act.SETTLE_WITHOUT_RECEIPT: Right("say which sale it was after a refund without it, and close such a case",
                                                              _NO,   _YES, _YES, _YES, _YES),
    Act.REPORT_INCIDENT: Right("report that something is out of order, and see what it affects",
                                                              _YES,  _YES, _YES, _YES, _YES,
                               scope=KeyScope.REFUNDS_WRITE, key=_YES),
    Act.HANDLE_INCIDENT: Right("see to an incident: its provider, an apology to those affected, its end",
                                                              _NO,   _NO,  _YES, _YES, _YES),
    Act.RATE: Right("say how it went, whether it has arrived, and ask for help",
                                                              _NO,   _NO,  _NO,  _NO,  _NO, customer=_OWN),
    Act.ANSWER_REPORT: Right("take on what a customer reports, and close it with an answer",
                                                              _NO,   _YES, _YES, _YES, _YES),
    Act.SEE_QUEUE: Right("work in the queue",                 _NO,   _YES, _YES, _YES, _YES),
    Act.CLAIM: Right("take a refund onto one's desk",         _NO,   _YES, _YES, _NO,  _YES,
                     conditions=(_DISTANCE, _NOT_FIRST, _TIER)),
    Act.RELEASE: Right("give a refund back to the queue",     _NO,   _HELD, _YES, _NO,  _YES),
    Act.REASSIGN: Right("hand a refund to a colleague who could decide it",
                                                              _NO,   _HELD, _YES, _NO, _YES),
    Act.APPROVE: Right("approve",                             _NO,   _YES, _YES, _NO,  _YES,
                       conditions=(_DISTANCE, _NOT_FIRST, _TIER)),
    Act.REJECT: Right("reject",                               _NO,   _YES, _YES, _NO,  _YES,
                      conditions=(_DISTANCE, _TIER)),
    Act.REQUEST_INFO: Right("ask the customer for more",      _NO,   _YES, _YES, _NO,  _YES,
                            conditions=(_DISTANCE, _TIER)),
    Act.EXTEND: Right("give a refund more time, with the customer's consent",
                                                              _NO,   _YES, _YES, _NO,  _YES,
                      conditions=(_DISTANCE, _TIER)),
    Act.ASK_GOODS: Right("ask for the goods, or say that they are not needed",
                                                              _NO,   _YES, _YES, _NO,  _YES,
                         conditions=(_DISTANCE, _TIER)),
    Act.SEND_GOODS: Right("say by which parcel the goods come",
                                                              _YES,  _YES, _YES, _YES, _YES,
                          scope=KeyScope.REFUNDS_WRITE, key=_OWN, customer=_OWN),
    Act.RECEIVE_GOODS: Right("say that the goods have come",  _YES,  _YES, _YES, _YES, _YES,
                             scope=KeyScope.REFUNDS_WRITE, key=_YES),
    Act.INSPECT_GOODS: Right("say what was found of goods that came back",
                                                              _YES,  _YES, _YES, _NO,  _YES,
                             scope=KeyScope.REFUNDS_WRITE, key=_YES, conditions=(_DISTANCE,)),
    Act.OFFER_EXCHANGE: Right("offer an exchange or a second delivery instead",
                                                              _NO,   _YES, _YES, _NO,  _YES,
                              conditions=(_DISTANCE, _TIER)),
    Act.ANSWER_OFFER: Right("say what the customer answered to the offer, and the new order",
                                                              _OWN,  _YES, _YES, _OWN, _YES,
                            scope=KeyScope.REFUNDS_WRITE, key=_OWN, customer=_OWN),
    Act.PAY_CASH: Right("say that cash was paid, or why not", _YES,  _NO,  _YES, _YES, _YES,
                        conditions=(_DISTANCE, _NOT_APPROVER)),
    Act.PAY_BY_HAND: Right("say that a transfer or store credit was paid, or why not",
                                                              _NO,   _NO,  _YES, _YES, _YES,
                           scope=KeyScope.PAYOUTS_WRITE, key=_YES, conditions=(_DISTANCE, _NOT_APPROVER)),
    Act.TAKE_TRANSFERS: Right("take transfers to the bank in a file, read its result, and note what came back",
                                                              _NO,   _NO,  _YES, _YES, _YES),
    Act.RETRY: Right("send a failed payout or leg out again, move a failed leg to another way, or give it up",
                                                              _NO,   _NO,  _YES, _YES, _YES),
    Act.REDIRECT: Right("send a stuck payout to the merchant's own account",
                                                              _NO,   _NO,  _YES, _YES, _YES),
    Act.REDIRECT_TO_PERSON: Right("send a stuck payout to a card that is typed in",
                                                              _NO,   _NO,  _YES, _YES, _YES,
                                  conditions=(_DISTANCE, _NOT_APPROVER)),
    Act.END_UNKNOWN: Right("end, with proof from the channel's portal, a payout of which the channel says nothing",
                                                              _NO,   _NO,  _NO,  _YES, _YES,
                           conditions=(_DISTANCE, _NOT_APPROVER)),
    Act.RESEND: Right("send a message to a customer again",   _NO,   _YES, _YES, _YES, _YES),
    Act.REVEAL: Right("see a customer's full contact",        _NO,   _YES, _YES, _YES, _YES),
    Act.EXPORT: Right("take a list of refunds, sales or messages away",
                                                              _NO,   _NO,  _YES, _YES, _YES),
    Act.SEE_ANALYTICS: Right("see figures",                   _NO,   _YES, _YES, _YES, _YES,
                             scope=KeyScope.ANALYTICS_READ, key=_YES),
    Act.SEE_RECONCILIATION: Right("see days against statements",
                                                              _NO,   _NO,  _YES, _YES, _YES,
                                  scope=KeyScope.ANALYTICS_READ, key=_YES, conditions=(_WHOLE,)),
    Act.TAKE_STATEMENT: Right("upload or fetch a statement",  _NO,   _NO,  _YES, _YES, _YES,
                              system=_YES, conditions=(_WHOLE,)),
    Act.RESOLVE_DIFFERENCE: Right("assign or resolve a difference",
                                                              _NO,   _NO,  _YES, _YES, _YES, conditions=(_WHOLE,)),
    Act.ADOPT: Right("adopt a refund made in the channel's portal",
                                                              _NO,   _NO,  _YES, _YES, _YES, conditions=(_WHOLE,)),
    Act.CLOSE_DAY: Right("close a day or open it again",      _NO,   _NO,  _YES, _YES, _YES, conditions=(_WHOLE,)),
    Act.END_HOLD: Right("end the hold of a sale whose channel contradicts itself",
                                                              _NO,   _NO,  _YES, _YES, _YES),
    Act.SET_HOURS: Right("say when stores are open, and which days are holidays",
                                                              _NO,   _NO,  _YES, _NO,  _YES),
    Act.GIVE_GRACE: Right("give stores more time after a disaster, or end it",
                                                              _NO,   _NO,  _YES, _NO,  _YES),
    Act.SEE_POLICY: Right("read the rules in words",          _YES,  _YES, _YES, _YES, _YES,
                          scope=KeyScope.REFUNDS_READ, key=_YES),
    Act.DELEGATE: Right("let a colleague decide for one who is away, never oneself and never more than one decides",
                                                              _NO,   _NO,  _YES, _NO,  _YES),
    Act.DRAFT_POLICY: Right("write and discard drafts of the policy",
                                                              _NO,   _NO,  _YES, _NO,  _YES, conditions=(_WHOLE,)),
    Act.PUBLISH_POLICY: Right("put a draft of the policy in force",
                                                              _NO,   _NO,  _YES, _NO,  _YES,
                              system=_YES, conditions=(_WHOLE, _NOT_AUTHOR)),
    Act.REVIEW_POLICY: Right("say that the policy was looked through",
                                                              _NO,   _NO,  _YES, _NO,  _YES, conditions=(_WHOLE,)),
    Act.ADD_CHANNEL_RULE: Right("note a change of a channel's own rules",
                                                              _NO,   _YES, _YES, _YES, _YES),
    Act.MANAGE_STORES: Right("open, describe and close stores",
                                                              _NO,   _NO,  _NO,  _NO,  _YES, conditions=(_WHOLE,)),
    Act.MANAGE_TILLS: Right("register and describe tills of one's stores, let them take refunds or not",
                                                              _NO,   _NO,  _YES, _NO,  _YES),
    Act.REPORT_TILL: Right("say how a till is",               _NO,   _NO,  _NO,  _NO,  _NO,
                           scope=KeyScope.TRANSACTIONS_WRITE, key=_YES),
    Act.RUN_SHIFT: Right("open and close the shift of a till, and count its cash",
                                                              _YES,  _NO,  _YES, _NO,  _YES,
                         scope=KeyScope.REFUNDS_WRITE, key=_YES),
    Act.SEE_AUDIT: Right("read the audit trail, take it away and have it verified",
                                                              _NO,   _NO,  _YES, _YES, _YES, conditions=(_WHOLE,)),
    Act.SET_WORDING: Right("word the messages to customers, and send test messages",
                                                              _NO,   _NO,  _YES, _NO,  _YES, conditions=(_WHOLE,)),
    Act.ERASE: Right("say how long personal data is kept, and erase what a person asks to have erased",
                                                              _NO,   _NO,  _NO,  _NO,  _YES, conditions=(_WHOLE,)),
    Act.ERASE_OWN: Right("have what one gave with a refund that is over erased",
                                                              _NO,   _NO,  _NO,  _NO,  _NO, customer=_OWN),
    Act.MANAGE_KEYS: Right("issue, limit, stop, rotate and revoke API keys of one's stores",
                                                              _NO,   _NO,  _YES, _NO,  _YES),
    Act.MANAGE_WEBHOOKS: Right("say which addresses are called with events of one's stores",
                                                              _NO,   _NO,  _YES, _NO,  _YES,
                               scope=KeyScope.WEBHOOKS_WRITE, key=_YES),
    Act.CHANGE_CREDENTIALS: Right("set up, test and end channel accounts, carriers of messages and alerts, with their keys",
                                                              _NO,   _NO,  _YES, _NO,  _YES, conditions=(_WHOLE,)),
    Act.MANAGE_TEAM: Right("invite, place and switch off colleagues, and require a second factor",
                                                              _NO,   _NO,  _NO,  _NO,  _YES, conditions=(_WHOLE,)),
    Act.RESET_ACCESS: Right("be one of two who reset a colleague's password or second factor; an owner's takes an owner",
                                                              _NO,   _NO,  _YES, _NO,  _YES, conditions=(_WHOLE,)),
}
# fmt: on


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What an act is done to: whose it is, and in which store (None: of the whole merchant).

    ``is_own``: asked for by the principal; ``is_held``: on their desk, or on nobody's where that is enough.
    """

    merchant_id: int
    store_id: int | None
    is_own: bool = False
    is_held: bool = False
    request_id: object = None


def may(act: Act, *, by: Principal) -> bool:
    """Whether there is anything at all that this principal may do this to: for menus and pages."""
    right = TABLE[act]
    return bool(right.of(by)) and (Condition.WHOLE not in right.conditions or by.stores is None)


def check_may(act: Act, *, by: Principal, subject: Subject | None = None) -> None:
    """Raise ``Forbidden`` where this principal may not, and ``NotFound`` where they may not even know of the subject.

    Without a subject only the role or scope is asked: the act then narrows to the principal's stores itself.
    """
    if by.stopped:
        raise _stopped(by.stopped)
    if subject is not None:
        check_within_walls(by=by, subject=subject)
        if subject.store_id in by.stopped_stores:
            raise _stopped("store")
    right = TABLE[act]
    reach = right.of(by)
    if not reach:
        _refuse(right, by)
    is_whole = Condition.WHOLE in right.conditions or (subject is not None and subject.store_id is None)
    if is_whole and by.stores is not None:
        raise _not_of_all_stores()
    if subject is None:
        return
    if (reach is Reach.OWN and not subject.is_own) or (reach is Reach.HELD and not subject.is_held):
        raise Forbidden(f"to {right.does} is for {_who(right)}", code="role_required")


def gives(scope: str, *, by: Principal) -> bool:
    """Whether this principal may give a key the scope: nobody's key does what its maker may not.

    What no person does at all, such as reporting sales, is for keys alone.
    """
    opened = (right for right in TABLE.values() if right.scope == scope and any(map(right.of_role, Role.values)))
    return all(right.of(by) for right in opened)


def check_within_walls(*, by: Principal, subject: Subject) -> None:
    """Raise ``NotFound`` for what is another merchant's, or another store's, or behind another customer's link."""
    elsewhere = subject.store_id is not None and not by.works_in(subject.store_id)
    another = by.merchant_id is not None and subject.merchant_id != by.merchant_id
    not_theirs = by.kind is Kind.CUSTOMER and subject.request_id != by.request_id
    if another or elsewhere or not_theirs:
        raise NotFound("there is no such thing")


def _refuse(right: Right, by: Principal) -> None:
    if by.kind is Kind.KEY and not right.scope:
        raise Forbidden("this is for staff in the browser, not for API keys", code="staff_only")
    if by.kind is Kind.KEY:
        raise Forbidden(f"the API key lacks the scope {right.scope}", code="missing_scope")
    if by.kind is Kind.STAFF and right.key and not any(map(right.of_role, Role.values)):
        raise Forbidden(f"to {right.does} takes an API key with the scope {right.scope}", code="key_required")
    raise Forbidden(f"to {right.does} is for {_who(right)}", code="role_required")


def _stopped(why: str) -> Forbidden:
    if why == "expired":
        return Forbidden("the key's mandate has expired", code="mandate_expired")
    return KeyStopped(f"stopped: {why}")


def _not_of_all_stores() -> Forbidden:
    return Forbidden("this is of the whole merchant, not of some stores", code="all_stores_required")


def _who(right: Right) -> str:
    words = {Reach.OWN: "{} who asked for it", Reach.HELD: "{} who has it", Reach.YES: "{}"}
    roles = [words[reach].format(role) for role in Role.values if (reach := right.of_role(role))]
    return ", ".join(roles) or "nobody"


def rights_page() -> str:
    """The table as Markdown."""
    lines = [
        "# Who may do what",
        "",
        "Made by `make rights` from `merchants/rights.py`; `make check` fails when it drifts. The table is asked inside every",
        "act, for a session, a key, a customer's link and the system alike; pages only show what it says.",
        "",
        "- `yes`: everything in one's stores. `own`: what one asked for oneself; for a key what this key asked for, or another",
        "  key of the same store. `held`: what is on one's own desk; also what is on nobody's.",
        "- Stores: nobody reaches beyond theirs. Who works in all of them says so by a flag; no flag and no store is none.",
        "  Another merchant's or store's refund is answered like one that does not exist.",
        "- A key needs the scope. The person behind a key is the one who made it: two keys of one maker are one person.",
        "- A key's mandate limits it further (amounts, sums, reasons, routes, stores, hours, an end). While a key, its store or",
        "  all keys of the merchant are stopped, it may nothing.",
        "- An account that is switched off may nothing.",
        "",
        "| act | cashier | reviewer | manager | finance | owner | key | customer | system | only |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for act, right in TABLE.items():
        key = f"{right.key.value} (`{right.scope}`)" if right.key else ""
        cells = [right.of_role(role).value for role in Role]
        only = ", ".join(f"`{condition.value}`" for condition in right.conditions)
        row = [f"`{act.value}`: {right.does}", *cells, key, right.customer.value, right.system.value, only]
        lines.append(f"| {' | '.join(row)} |")
    lines += ["", "| only | means |", "|---|---|"]
    lines += [f"| `{condition.value}` | {words} |" for condition, words in CONDITIONS.items()]
    return "\n".join(lines) + "\n"
