"""Every ``code`` that a problem document of the API may carry, with its title and what to do about it.

The page ``/api/problems`` is made of this list, and every document's ``type`` points to its line there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from refunds.rules.explanations import RULES


@dataclass(frozen=True, slots=True)
class ProblemType:
    """``statuses``: the HTTP statuses it comes with."""

    code: str
    statuses: Sequence[int]
    title: Promise | str
    advice: Promise | str

    def pieces(self) -> list[tuple[bool, str]]:
        """The advice as (is code, text): what stands between backticks is code."""
        return [(bool(number % 2), text) for number, text in enumerate(str(self.advice).split("`")) if text]


def address_of(code: str) -> str:
    """The ``type`` of a problem document."""
    return f"{settings.BASE_URL}/api/problems#{code}"


_POLICY_SAYS_WHY = _("`verdict` says why, rule by rule. Nothing was stored.")
_READ_AGAIN = _("Read the request again and decide with what it says now; `state` and `version` are in this answer.")
_SIGN = _(
    "See “Keys, scopes, signed requests” in the guide: a new `X-Request-Id` every time, seconds, the path with its query."
)
_MEND_BODY = _("Mend the body. Nothing was stored.")

_ALL = (
    # the request itself
    ProblemType(
        "invalid_input",
        [400],
        _("The input has errors"),
        _("`errors` names each field, as a path, with a code and a message. Unknown fields are errors too."),
    ),
    ProblemType("bad_request", [400], _("The request cannot be read"), _("Mend the address or the headers.")),
    ProblemType(
        "parse_error", [400], _("The upload cannot be read"), _("Send `multipart/form-data` with its boundary.")
    ),
    ProblemType("invalid_json", [400], _("The body is not JSON"), _("A name must not come twice; NaN is no number.")),
    ProblemType("not_utf8", [400], _("The body is not UTF-8"), _MEND_BODY),
    ProblemType("nul_character", [400], _("The body contains a NUL character"), _MEND_BODY),
    ProblemType("lone_surrogate", [400], _("The body contains half a character"), _MEND_BODY),
    ProblemType("too_deep", [400], _("The body is nested too deeply"), _MEND_BODY),
    ProblemType("body_too_large", [413], _("The body is too large"), _("JSON may have 1 MB, a picture 8 MB.")),
    ProblemType(
        "unsupported_media_type",
        [415],
        _("The body has the wrong type"),
        _("Send `application/json`; a picture as `multipart/form-data`."),
    ),
    ProblemType("unsupported_encoding", [415], _("The body is packed"), _("Send it without `Content-Encoding`.")),
    ProblemType("not_acceptable", [406], _("Only JSON is given"), _("Accept `application/json`.")),
    ProblemType(
        "method_not_allowed", [405], _("The address does not take this method"), _("`Allow` names those it takes.")
    ),
    ProblemType(
        "not_found", [404], _("There is no such thing"), _("It is not there, or not yours, or the address has a slip.")
    ),
    # who calls
    ProblemType("not_authenticated", [401], _("Who are you?"), _("Send `Authorization: Bearer <key>`.")),
    ProblemType(
        "invalid_api_key", [401], _("The key is unknown or revoked"), _("Ask an owner or manager for a new key.")
    ),
    ProblemType("signature_required", [401], _("This key signs its requests"), _SIGN),
    ProblemType("signature_mismatch", [401], _("The signature does not match"), _SIGN),
    ProblemType(
        "signature_stale", [401], _("The signature is out of time"), _("Set the clock: five minutes are allowed.")
    ),
    ProblemType("signature_replayed", [401], _("The request id was used before"), _SIGN),
    ProblemType("missing_scope", [403], _("The key may not do this"), _("`detail` names the scope that it lacks.")),
    ProblemType("staff_only", [403], _("People decide, keys do not"), _("Staff do this in their browser.")),
    ProblemType(
        "permission_denied",
        [403],
        _("Not allowed"),
        _("With a browser session, send the CSRF token as `X-CSRFToken`. Some calls are for keys only."),
    ),
    ProblemType("role_required", [403], _("Not in this role"), _("Somebody with another role has to do this.")),
    ProblemType(
        "key_required", [403], _("Keys do this, people do not"), _("Tills and shops report it, with an API key.")
    ),
    ProblemType(
        "all_stores_required", [403], _("For the whole merchant only"), _("Use a key that is not bound to a store.")
    ),
    ProblemType("tier_required", [403], _("The amount is above this role's limit"), _("`tier` names who decides it.")),
    ProblemType("two_persons_needed", [403], _("Two persons are needed"), _("Somebody else has to do the other half.")),
    ProblemType("own_request", [403], _("Nobody decides their own request"), _("Somebody else has to decide it.")),
    ProblemType(
        "throttled", [429], _("Too many requests"), _("Wait for `Retry-After` seconds, then go on more slowly.")
    ),
    # repeating
    ProblemType(
        "idempotency_key_reused",
        [422],
        _("The Idempotency-Key belongs to another request"),
        _("One key for one wish. For another wish make another key; nothing was stored."),
    ),
    ProblemType(
        "busy", [409], _("Just being changed"), _("Wait for `Retry-After`, then the same call with the same key.")
    ),
    # the sale
    ProblemType("transaction_not_found", [404], _("There is no such sale"), _("Report it first, or mend the number.")),
    ProblemType(
        "ambiguous_order_no",
        [422],
        _("Several orders have this number"),
        _("`candidates` are their payments. Name the order by its `store` too, or one payment by `transaction`."),
    ),
    ProblemType(
        "plan_changed",
        [409],
        _("Another plan holds by now"),
        _("`plan` is that one. Look at it, and send its `hash` as `plan_hash`. Nothing was stored."),
    ),
    ProblemType(
        "two_facts_needed",
        [422],
        _("One fact is not enough"),
        _("Without a number, give two of time window, amount, end of card, end of phone, article."),
    ),
    ProblemType(
        "unknown_store",
        [422],
        _("There is no such store"),
        _("Use a store's code; the key may be bound to another store."),
    ),
    ProblemType("unknown_terminal", [422], _("The store has no such terminal"), _("Leave it out, or have it set up.")),
    ProblemType(
        "reported_elsewhere",
        [409],
        _("Another store reported this payment"),
        _("Use a key of the whole merchant."),
    ),
    ProblemType(
        "sale_differs",
        [409],
        _("This payment is known with other facts"),
        _(
            "`errors` names what differs. Mend it with `POST …/corrections`, or report the same facts. Nothing was stored."
        ),
    ),
    ProblemType(
        "correction_below_refunds",
        [409],
        _("Refunds would be more than the sale"),
        _("Keep what was asked for or paid back covered, or withdraw those refunds first. Nothing was stored."),
    ),
    ProblemType("reason_required", [422], _("Say why"), _("Give a `reason`; the audit trail keeps it.")),
    ProblemType("nothing_to_correct", [422], _("Nothing is to be changed"), _("Name a fact beside `reason`.")),
    ProblemType(
        "paid_in_the_future",
        [422],
        _("The sale is in the future"),
        _("Mend `paid_at`: local time in China ends in `+08:00`, not in `Z`. Nothing was stored."),
    ),
    ProblemType(
        "unknown_article", [422], _("The sale has no such article"), _("`lines` must name articles of the sale.")
    ),
    # what the policy refuses
    ProblemType("refused_by_policy", [422], _("The policy refuses"), _POLICY_SAYS_WHY),
    ProblemType(
        "exceeds_refundable",
        [409, 422],
        _("More than can still be refunded"),
        _("Read the sale's `refundable_fen`. 409: something else took it at the same moment. Nothing was stored."),
    ),
    ProblemType(
        "exceeds_quantity",
        [409, 422],
        _("More pieces than can still come back"),
        _("Read the sale's lines: `quantity` less `returned_quantity`. Nothing was stored."),
    ),
    # the request's state
    ProblemType("state_conflict", [409], _("Not in this state"), _READ_AGAIN),
    ProblemType("version_conflict", [409], _("Somebody was faster"), _READ_AGAIN),
    ProblemType("claimed_by_another", [409], _("A colleague is working on it"), _READ_AGAIN),
    ProblemType(
        "original_route_impossible", [409], _("The original route is closed"), _("Another route has to be chosen.")
    ),
    ProblemType(
        "sum_needs_review",
        [409],
        _("Together it needs a new decision"),
        _("With the order's other refunds it is above what was decided on. Resubmit it: a person decides."),
    ),
    # what a person pays
    ProblemType(
        "account_incomplete",
        [422],
        _("The account of the transfer is incomplete"),
        _("`payee` has holder, number and bank of the customer's own account; only a bank transfer has one."),
    ),
    ProblemType(
        "payment_incomplete",
        [422],
        _("The payout cannot be confirmed like this"),
        _("`errors` names each field. Cash names the till that it came from."),
    ),
    ProblemType(
        "reference_used",
        [409],
        _("Another payout has this number"),
        _("One transfer, slip or store credit proves one payout. Nothing was stored."),
    ),
    # decisions and evidence
    ProblemType("amount_above_requested", [422], _("More than was asked for"), _("Approve at most `amount_fen`.")),
    ProblemType("reason_code_required", [422], _("A rejection needs a reason"), _("Send `reason_code`.")),
    ProblemType("unknown_reason_code", [422], _("Not one of the reasons"), _("The schema lists them.")),
    ProblemType(
        "message_required", [422], _("A message is missing"), _("Say in `message` what the customer should send.")
    ),
    ProblemType(
        "not_a_picture", [422], _("Not a picture"), _("JPEG, PNG and WebP are taken, whatever the file is called.")
    ),
    ProblemType("picture_too_large", [422], _("The picture is too large"), _("At most 8 MB and 52 million pixels.")),
    ProblemType("too_many_pictures", [409], _("The request has enough pictures"), _("Twelve are kept.")),
    # ours
    ProblemType(
        "internal_error",
        [500],
        _("The fault is ours"),
        _("It was recorded. Send the same call with the same key again: nothing is done twice."),
    ),
    ProblemType(
        "try_again",
        [503],
        _("Not right now"),
        _("Wait for `Retry-After`, then the same call with the same key: nothing is done twice."),
    ),
    ProblemType(
        "took_too_long",
        [503],
        _("This took too long"),
        _(
            "It was stopped so that others need not wait. Ask for less at once: a shorter window, a number, a smaller `limit`."
        ),
    ),
)

#: Rules of the policy that refuse by themselves; the code of the problem is that of the rule.
_REFUSING_RULES = (
    "payment_succeeded",
    "terminal_enabled",
    "original_route",
    "channel_window",
    "channel_refund_count",
    "no_cash_for_credit",
    "consent_to_route",
    "no_transfer_for_credit",
    "route_funding",
    "route_limit",
    "route_allowed",
)

#: Those that are looked at again when a person approves (409): by then others may have taken what was left.
_CAPS = frozenset({"channel_refund_count", "route_limit"})

PROBLEM_TYPES = {
    kind.code: kind
    for kind in (
        *_ALL,
        *(
            ProblemType(code, [409, 422] if code in _CAPS else [422], RULES[code][0], _POLICY_SAYS_WHY)
            for code in _REFUSING_RULES
        ),
    )
}
