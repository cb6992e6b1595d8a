"""What each line of a verdict means, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext, gettext_noop, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from core.codes import CODES, words
from core.plain_text import sentences
from merchants.policies.fields import PROOFS
from refunds.rules import payment
from refunds.rules.goods import OTHERWISE, Condition
from refunds.states import Reason, Route
from terminals.models.transaction import Funding, PaymentWord

_PIECE_WORTH = _(
    "¥%(actual)s was paid for what comes back (¥%(limit)s on its lines): discounts and rounding are shared out over the "
    "articles by price, less what was given for them before."
)

_FLOOR = _("Day %(actual)s of the %(limit)s in which the law gives it all back; no policy gives less.")
_FLOOR_REMOTE = _("Day %(actual)s of the %(limit)s in which the law needs no reason; no policy gives less.")
_NEAR_LIMIT = _(
    "Number %(actual)s close below the limit by this cashier in 7 days; a person looks from number %(limit)s."
)
_SAME_DESTINATION = _("Order number %(actual)s of this customer in 30 days; a person looks from number %(limit)s.")

_DEPOSIT_CAP = _("¥%(actual)s of it is above 20%% of the contract (¥%(limit)s) and goes back as money paid in advance.")
_DEPOSIT_FORFEITED = _(
    "The customer does not perform: ¥%(actual)s of the earnest stays with the merchant, for the %(limit)s%% not performed."
)
_DEPOSIT_DOUBLED = _(
    "The merchant does not perform: ¥%(actual)s is owed on top of the deposit, for the %(limit)s%% not performed. It is paid "
    "apart from the refund: no channel gives more than was paid."
)
_DEPOSIT_DEDUCTION = _("¥%(actual)s of the ¥%(limit)s is kept for what is owed.")


#: code -> (short label, sentence when it passes, sentence when it does not: the catalogue's, where it has no numbers)
RULES: dict[str, tuple[Promise | str, Promise | str, Promise | str]] = {
    "payment_succeeded": (
        _("Payment succeeded"),
        _("The channel confirms the payment."),
        CODES["payment_succeeded"].title,
    ),
    "refundable_balance": (
        _("Within the refundable balance"),
        _("¥%(actual)s of the ¥%(limit)s that can still be refunded."),
        _("¥%(actual)s is more than the ¥%(limit)s that can still be refunded."),
    ),
    "terminal_enabled": (
        _("Return function of the till"),
        _("Refunds are switched on at this till."),
        CODES["terminal_enabled"].title,
    ),
    "original_route": (
        _("Original payment method"),
        _("The refund can go back to the original payment method."),
        CODES["original_route"].title,
    ),
    "channel_window": (
        _("Channel's refund period"),
        _("Day %(actual)s of the channel's %(limit)s days."),
        _("Day %(actual)s: the channel refunds within %(limit)s days only."),
    ),
    "channel_refund_count": (
        _("Number of refunds of this sale"),
        _("Refund number %(actual)s of at most %(limit)s."),
        _("This would be refund number %(actual)s; the channel takes at most %(limit)s."),
    ),
    "no_cash_for_credit": (
        _("No cash for credit"),
        _("The sale was not paid by credit."),
        CODES["no_cash_for_credit"].title,
    ),
    "consent_to_route": (
        _("Customer agrees to the route"),
        _("The customer agreed to being paid back this way."),
        CODES["consent_to_route"].title,
    ),
    "no_transfer_for_credit": (
        _("No transfer for credit"),
        _("The original payment method is no longer possible, so a transfer may take its place."),
        CODES["no_transfer_for_credit"].title,
    ),
    "route_funding": (
        _("Route fits the payment"),
        _("The policy pays this kind of sale back on this route."),
        CODES["route_funding"].title,
    ),
    "route_limit": (
        _("Limit of the route"),
        _("¥%(actual)s is within the ¥%(limit)s of this route."),
        _("¥%(actual)s is above the ¥%(limit)s of this route."),
    ),
    "original_first": (
        _("Original payment method first"),
        _("The original payment method is not possible any more."),
        _("The original payment method is still possible: ask why not that one."),
    ),
    "by_hand": (
        _("Paid by the channel"),
        _("The channel pays it back."),
        _("A person pays this back, so a person decides."),
    ),
    "article_quantity": (
        _("Pieces returned"),
        _("%(actual)s of %(limit)s pieces that can still come back."),
        _("%(actual)s pieces are more than the %(limit)s that can still come back."),
    ),
    "route_allowed": (
        _("Refund route"),
        _("The policy allows this route."),
        CODES["route_allowed"].title,
    ),
    "reason_covered": (
        _("Reason covered"),
        _("The policy has a rule for this reason."),
        _("The policy has no rule for this reason, so a person decides."),
    ),
    "filing_window": (
        _("Within the filing period"),
        _("Day %(actual)s of %(limit)s."),
        _("Day %(actual)s, after the %(limit)s days agreed: a person decides."),
    ),
    "reason_share": (
        _("Share of the sale"),
        _("%(actual)s%% of the sale, up to %(limit)s%% for this reason."),
        _("%(actual)s%% of the sale is more than the %(limit)s%% this reason allows by itself."),
    ),
    "instant_reason": (
        _("Simple reason"),
        _("This reason needs no person."),
        _("This reason is always looked at by a person."),
    ),
    "reason_extent": (
        _("Full or partial"),
        _("The extent fits the reason."),
        _("This reason is for another extent of refund, so a person decides."),
    ),
    "articles_cover_amount": (
        _("Articles cover the amount"),
        _("¥%(actual)s for articles worth ¥%(limit)s."),
        _("¥%(actual)s is more than the articles are worth (¥%(limit)s)."),
    ),
    "amount_in_fen": (
        _("Amount in fen"),
        _("The amount is in fen."),
        _(
            "¥%(actual)s is a hundredth of the articles' worth (¥%(limit)s), as where yuan were sent for fen: a person looks."
        ),
    ),
    "piece_worth": (_("Worth of the pieces"), _PIECE_WORTH, _PIECE_WORTH),
    "cheaper_piece": (
        _("Article at two prices"),
        _("The sale has this article at two prices; the cheaper one is counted."),
        _("The sale has this article at two prices, and the dearer is asked for: a person sees which one came back."),
    ),
    "customer_consent": (
        _("Customer's consent"),
        _("The customer confirmed the amount."),
        _("The customer has not confirmed the amount."),
    ),
    "auto_approve_limit": (
        _("Automatic approval limit"),
        _("¥%(actual)s is within the ¥%(limit)s approved without a person."),
        _("¥%(actual)s is above the ¥%(limit)s approved without a person."),
    ),
    "possible_duplicate": (
        _("Asked for before"),
        _("%(actual)s asked for the same or for part of it; this one is said to be another."),
        _("%(actual)s asked for the same or for part of it: a person looks whether this is the same wish."),
    ),
    "second_charge": (
        _("A second payment is known"),
        _("Equal payment close by: %(actual)s."),
        _("No second payment is known, so a person looks what happened."),
    ),
    "one_charge_stays": (
        _("One payment stays"),
        _("Number %(actual)s of the %(limit)s equal payments that may go back."),
        _("It would be number %(actual)s of equal payments to go back; %(limit)s may, one stays."),
    ),
    "mandate": (
        _("Mandate of the API key"),
        _("The API key may ask without a person."),
        _("Of what this API key asks for, a person decides everything."),
    ),
    "sale_held": (
        _("Sale held by finance"),
        _("Finance does not hold the sale."),
        CODES["sale_held"].title,
    ),
    "payment_confirmed": (
        _("Payment confirmed by the channel"),
        _("The channel was asked: it was paid."),
        _("The channel is being asked whether it was paid; the refund goes on by itself."),
    ),
    "order_not_rejected": (
        _("Order rejected before"),
        _("No refund of this order was rejected before."),
        _("A refund of this order was rejected before, so a person decides."),
    ),
    "as_agreed": (
        _("Agreed with the customer"),
        _("The customer agreed to ¥%(limit)s, as is asked for."),
        _("The customer agreed to ¥%(limit)s and ¥%(actual)s is asked for, so a person decides."),
    ),
    "auto_order_limit": (
        _("Automatic limit of the order"),
        _("¥%(actual)s of this order in all, within the ¥%(limit)s approved without a person."),
        _("¥%(actual)s of this order in all is above the ¥%(limit)s approved without a person."),
    ),
    "auto_customer_day_limit": (
        _("Automatic limit of the customer's day"),
        _("¥%(actual)s for this customer today, within the ¥%(limit)s approved without a person."),
        _("¥%(actual)s for this customer today is above the ¥%(limit)s approved without a person."),
    ),
    "auto_cashier_day_count": (
        _("Automatic refunds of the cashier's day"),
        _("Number %(actual)s of this cashier today, of %(limit)s approved without a person."),
        _("It would be number %(actual)s of this cashier today; %(limit)s are approved without a person."),
    ),
    "auto_key_day_count": (
        _("Automatic refunds of the API key's day"),
        _("Number %(actual)s of this API key today, of %(limit)s approved without a person."),
        _("It would be number %(actual)s of this API key today; %(limit)s are approved without a person."),
    ),
    "floor_defective": (_("What the law gives: goods"), _FLOOR, _FLOOR),
    "floor_remote": (_("What the law gives: sold at a distance"), _FLOOR_REMOTE, _FLOOR_REMOTE),
    "reason_least": (
        _("Least share of the sale"),
        _("%(actual)s%% of the sale, at least %(limit)s%% for this reason."),
        _("%(actual)s%% of the sale is less than the %(limit)s%% agreed for this reason, so a person decides."),
    ),
    "goods_received": (
        _("Goods come back"),
        _("The goods have come back."),
        _("The goods come back first, and a person looks at them."),
    ),
    "goods_as_described": (
        _("What was found of the goods"),
        _("The goods are as the customer described."),
        _("Of the goods: %(actual)s. A person decides."),
    ),
    "evidence_given": (
        _("Evidence"),
        _("Given: %(actual)s. Asked for: %(limit)s."),
        _("Asked for: %(limit)s. Given so far: %(actual)s."),
    ),
    "deposit_cap": (_("Earnest above 20%"), _DEPOSIT_CAP, _DEPOSIT_CAP),
    "deposit_forfeited": (_("Earnest forfeited"), _DEPOSIT_FORFEITED, _DEPOSIT_FORFEITED),
    "deposit_doubled": (_("Earnest doubled"), _DEPOSIT_DOUBLED, _DEPOSIT_DOUBLED),
    "deposit_deduction": (_("Deduction from the security"), _DEPOSIT_DEDUCTION, _DEPOSIT_DEDUCTION),
    "deduction_proven": (
        _("Proof of the deduction"),
        _("Given: %(actual)s."),
        _("A deduction needs one of: %(limit)s. Given so far: %(actual)s."),
    ),
    "deposit_settled": (
        _("What goes back of the deposit"),
        _("¥%(actual)s goes back, as the deposit rule says."),
        _(
            "¥%(actual)s is asked for and ¥%(limit)s goes back by the deposit rule: a person decides, and the customer agrees."
        ),
    ),
    "sale_found": (
        _("Sale found"),
        _("The sale is known."),
        _("Nobody found the sale: what goes back without it, a person decides."),
    ),
    "no_receipt_limit": (
        _("Limit without a receipt"),
        _("¥%(actual)s, of at most ¥%(limit)s where the sale is not found."),
        _("¥%(actual)s is more than the ¥%(limit)s that go back at most where the sale is not found."),
    ),
    "new_evidence": (
        _("Handed in before"),
        _("None of the files came with another refund."),
        _("One of the files came with %(actual)s already, a refund of another sale, so a person looks."),
    ),
    "fault_in_time": (
        _("Found early"),
        _("Asked for within %(actual)s hours of the payment, of %(limit)s."),
        _("Asked for %(actual)s hours after the payment; without a person it is %(limit)s."),
    ),
    "near_limit": (_("Close to the limit"), _NEAR_LIMIT, _NEAR_LIMIT),
    "soon_after_sale": (
        _("Time since the sale"),
        _("%(actual)s minutes after the sale; a person looks at those within %(limit)s."),
        _("%(actual)s minutes after the sale: within %(limit)s a person looks."),
    ),
    "opening_hours": (
        _("Opening hours"),
        _("The store was open."),
        _("The store was shut at that time, so a person looks."),
    ),
    "same_destination": (_("Refunds to this customer"), _SAME_DESTINATION, _SAME_DESTINATION),
    "not_split": (
        _("Not split up"),
        _("It belongs to one tier, alone and together with the others."),
        _("¥%(actual)s of this order or customer together is above the tier's ¥%(limit)s, so a person decides."),
    ),
    "auto_customer_30_days_limit": (
        _("Automatic limit of the customer's 30 days"),
        _("¥%(actual)s for this customer in 30 days, within the ¥%(limit)s approved without a person."),
        _("¥%(actual)s for this customer in 30 days is above the ¥%(limit)s approved without a person."),
    ),
    "auto_customer_30_days_count": (
        _("Automatic refunds of the customer's 30 days"),
        _("Number %(actual)s for this customer in 30 days, of %(limit)s approved without a person."),
        _("It would be number %(actual)s for this customer in 30 days; %(limit)s are approved without a person."),
    ),
    "auto_cashier_day_limit": (
        _("Automatic limit of the cashier's day"),
        _("¥%(actual)s by this cashier today, within the ¥%(limit)s approved without a person."),
        _("¥%(actual)s by this cashier today is above the ¥%(limit)s approved without a person."),
    ),
    "auto_store_day_limit": (
        _("Automatic limit of the store's day"),
        _("¥%(actual)s in this store today, within the ¥%(limit)s approved without a person."),
        _("¥%(actual)s in this store today is above the ¥%(limit)s approved without a person."),
    ),
    "auto_key_day_limit": (
        _("Automatic limit of the API key's day"),
        _("¥%(actual)s by this API key today, within the ¥%(limit)s approved without a person."),
        _("¥%(actual)s by this API key today is above the ¥%(limit)s approved without a person."),
    ),
}

_WORDS: dict[str, Promise | str] = {
    **{reason.value: reason.label for reason in Reason},
    **{route.value: route.label for route in Route},
    **{funding.value: funding.label for funding in Funding},
    "possible": _("possible"),
    "impossible": _("impossible"),
    **{word.value: word.label for word in PaymentWord},
    "not_asked": _("being asked"),
    "success": _("paid"),
    "not_paid": _("not confirmed"),
    "enabled": _("on"),
    "disabled": _("off"),
    "covered": _("covered"),
    "none": _("none"),
    "instant": _("simple"),
    "full": _("full"),
    "partial": _("partial"),
    "cheaper": _("the cheaper"),
    "dearer": _("the dearer"),
    "yes": _("yes"),
    "no": _("no"),
    "open": pgettext_lazy("of a store", "open"),
    "shut": _("shut"),
    **PROOFS,
    **{condition.value: condition.label for condition in Condition},
    **OTHERWISE,
}

_MONEY = frozenset(
    {
        *("deposit_cap", "deposit_deduction", "deposit_settled", "no_receipt_limit"),
        "refundable_balance",
        "route_limit",
        "articles_cover_amount",
        "as_agreed",
        "amount_in_fen",
        "piece_worth",
        "auto_approve_limit",
        "auto_order_limit",
        "auto_customer_day_limit",
        "auto_key_day_limit",
        "auto_customer_30_days_limit",
        "auto_cashier_day_limit",
        "auto_store_day_limit",
        "not_split",
    }
)


def label(code: str) -> str:
    """The rule's short name."""
    return str(RULES[code][0]) if code in RULES else code


def explain(rule: Mapping[str, Any]) -> str:
    """One sentence for one stored line of a verdict."""
    return _explained(rule, get_language())


def _explained(rule: Mapping[str, Any], language: str | None) -> str:
    return _sentence(rule["code"], bool(rule["passed"]), rule["actual"], rule["limit"], language)


# Of a verdict's lines most say what those of the verdict before have said.
@lru_cache(maxsize=4096)
def _sentence(code: str, has_passed: bool, actual: str, limit: str, language: str | None) -> str:  # noqa: FBT001 - a key of the cache
    if code not in RULES:
        return code
    if not has_passed and (of_payment := _of_payment(code, actual)):
        return of_payment
    template = _template(code, language, has_passed=has_passed)
    if "%" not in template:
        return template
    said = {"actual": _grouped(actual), "limit": _grouped(limit)}
    if code in ("evidence_given", "deduction_proven", "goods_as_described"):
        said = {name: _listed(value) for name, value in said.items()}
    return template % said


def explained_to_programs(rules: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The stored lines of a verdict, each with its sentence, and with what to send where that answers the rule."""
    language = get_language()
    lines = [{**rule, "explanation": _explained(rule, language)} for rule in rules]
    for line in lines:
        if line["code"] == "possible_duplicate" and not line["passed"]:
            line["explanation"] = sentences(line["explanation"], gettext(_SEND))
    return lines


_SEND = gettext_noop(
    "For another piece, send its line's `returned_quantity` as the sale shows it; "
    "for another wish, `is_another` and a `note`."
)


@cache
def _template(code: str, _language: str | None, *, has_passed: bool) -> str:
    """A rule's sentence in the language in use, which ``_language`` names: looking it up cost more than filling it in."""
    _label, passed, failed = RULES[code]
    return str(passed if has_passed else failed)


def _grouped(value: str) -> str:
    """``1299.00`` -> ``1,299.00``; anything else as it is: a verdict keeps its amounts as programs write them."""
    whole = value[:-3]
    return f"{int(whole):,}{value[-3:]}" if value[-3:-2] == "." and len(whole) > 3 and whole.isdigit() else value


def _listed(codes: str) -> str:
    return gettext(", ").join(str(_WORDS.get(code, code)) for code in codes.split(", "))


#: What the channel says of a payment that was reported as paid, where the refusal of an unpaid one would say too much.
_OF_REPORTED = {
    PaymentWord.NO_ANSWER: _("The channel gave no answer whether it was paid, so a person decides."),
    PaymentWord.PARTLY_REFUNDED: _(
        "The channel says that a part was refunded already, outside of RefundDesk, so a person decides."
    ),
}


def _of_payment(code: str, word: str) -> str:
    """The sentence that the channel's word about the payment needs; empty where the line's own is right."""
    if code == payment.RULE and word in _OF_REPORTED:
        return str(_OF_REPORTED[PaymentWord(word)])
    if code in (payment.RULE, "payment_succeeded") and (refusal := payment.why_not_paid(word)) != "payment_succeeded":
        return words(refusal)
    return ""


#: What a channel said of a payment, where it speaks for it or says nothing.
_ANSWERS = {
    PaymentWord.PAID: _("The channel says that it was paid."),
    PaymentWord.FINISHED: _("The channel says that it was paid, and takes no more refunds of it: its period is over."),
    PaymentWord.PARTLY_REFUNDED: _(
        "The channel says that it was paid, and that a part was refunded outside of RefundDesk."
    ),
    PaymentWord.NO_ANSWER: _("The channel gave no answer: it is not known whether it was paid. Ask again."),
}


def payment_sentence(word: str) -> str:
    """What a channel's word about a payment means, and what to do."""
    known = PaymentWord(word)
    return str(_ANSWERS[known]) if known in _ANSWERS else words(payment.why_not_paid(known))


def shown(rule: Mapping[str, Any]) -> str:
    """Actual against limit, as the desk shows it: ``¥268.00 / ¥200.00``, ``2 / 7``, or a word."""
    actual, limit = _grouped(rule["actual"]), _grouped(rule["limit"])
    if rule["code"] in _MONEY:
        return f"¥{actual} / ¥{limit}"
    if rule["code"] in ("deposit_forfeited", "deposit_doubled"):
        return f"¥{actual} ({limit}%)"
    if rule["code"] == "article_quantity":
        return f"{actual} / {limit}"
    if actual.isdigit() and limit.isdigit():
        if rule["code"] in {"filing_window", "channel_window", "floor_defective", "floor_remote"}:
            return gettext("day %(actual)s / %(limit)s") % {"actual": actual, "limit": limit}
        if rule["code"] in {"reason_share", "reason_least"}:
            return f"{actual}% / {limit}%"
        return f"{actual} / {limit}"
    return (
        _listed(actual) if rule["code"] in ("evidence_given", "deduction_proven") else str(_WORDS.get(actual, actual))
    )
