"""The catalogue of codes: everything that RefundDesk refuses or fails with, each code once.

An error carries its code and a line for the log (``core.errors``); what a person or a client reads about it stands here and
nowhere else. Problem documents and their page, the desk's messages and the customer's page all read it. A new code is an entry
here beside the ``raise``; ``tests/architecture/test_codes.py`` holds both together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError, FieldError

Text = Promise | str


@dataclass(frozen=True, slots=True)
class Code:
    """``status``: of HTTP; two where the same is found before and, at the same moment as others, while it is stored.

    ``title``: what happened. ``sentence``: what a person reads, with what to do; None where the title says it all.
    ``remedy``: what a client of the API does about it; names of code between backticks. ``field``: the field of a body that it
    is about, where whoever raises it does not know how the field is called there.
    """

    name: str
    status: int | tuple[int, ...]
    title: Text
    sentence: Text | None = None
    remedy: Text | None = None
    field: str = ""

    @property
    def statuses(self) -> tuple[int, ...]:
        return self.status if isinstance(self.status, tuple) else (self.status,)


def words(code: str) -> str:
    """The sentence for people, in the reader's language."""
    entry = CODES[code]
    return str(entry.title if entry.sentence is None else entry.sentence)


def words_for(error: DomainError) -> str:
    """The same for a refusal. A code that comes from outside, such as a channel's, is told as what the error is here."""
    return words(error.code if error.code in CODES else type(error).code)


def words_of_field(error: FieldError) -> str:
    """The sentence beside a field, in the reader's language."""
    own = isinstance(error.message, Promise) or error.code not in CODES
    return str(error.message) if own else words(error.code)


_VERDICT = _("`verdict` says why, rule by rule. Nothing was stored.")
_READ_AGAIN = _("Read the request again and decide with what it says now; `state` and `version` are in this answer.")
_SIGN = _(
    "See “Keys, scopes, signed requests” in the guide: a new `X-Request-Id` every time, seconds, the path with its query."
)
_MEND_BODY = _("Mend the body. Nothing was stored.")

# fmt: off
#: What a call of the API may be answered with. Those that people meet as well have a sentence.
PROBLEMS: Final = (
    # the request itself
    Code("invalid_input", 400, _("The input has errors"),
         remedy=_("`errors` names each field, as a path, with a code and a message. Unknown fields are errors too.")),
    Code("bad_request", 400, _("The request cannot be read"), remedy=_("Mend the address or the headers.")),
    Code("parse_error", 400, _("The upload cannot be read"), remedy=_("Send `multipart/form-data` with its boundary.")),
    Code("invalid_json", 400, _("The body is not JSON"), remedy=_("A name must not come twice; NaN is no number.")),
    Code("not_utf8", 400, _("The body is not UTF-8"), remedy=_MEND_BODY),
    Code("nul_character", 400, _("The body contains a NUL character"), remedy=_MEND_BODY),
    Code("lone_surrogate", 400, _("The body contains half a character"), remedy=_MEND_BODY),
    Code("too_deep", 400, _("The body is nested too deeply"), remedy=_MEND_BODY),
    Code("body_too_large", 413, _("The body is too large"), remedy=_("JSON may have 1 MB, a picture 8 MB.")),
    Code("unsupported_media_type", 415, _("The body has the wrong type"),
         remedy=_("Send `application/json`; a picture as `multipart/form-data`.")),
    Code("unsupported_encoding", 415, _("The body is packed"), remedy=_("Send it without `Content-Encoding`.")),
    Code("not_acceptable", 406, _("Only JSON is given"), remedy=_("Accept `application/json`.")),
    Code("method_not_allowed", 405, _("The address does not take this method"),
         remedy=_("`Allow` names those it takes.")),
    Code("not_found", 404, _("There is no such thing"),
         remedy=_("It is not there, or not yours, or the address has a slip.")),
    # who calls
    Code("not_authenticated", 401, _("Who are you?"), remedy=_("Send `Authorization: Bearer <key>`.")),
    Code("invalid_api_key", 401, _("The key is unknown or revoked"),
         remedy=_("Ask an owner or manager for a new key.")),
    Code("signature_required", 401, _("This key signs its requests"), remedy=_SIGN),
    Code("signature_mismatch", 401, _("The signature does not match"), remedy=_SIGN),
    Code("signature_stale", 401, _("The signature is out of time"),
         remedy=_("Set the clock: five minutes are allowed.")),
    Code("signature_replayed", 401, _("The request id was used before"), remedy=_SIGN),
    Code("missing_scope", 403, _("The key may not do this"), remedy=_("`detail` names the scope that it lacks.")),
    Code("staff_only", 403, _("People decide, keys do not"), remedy=_("Staff do this in their browser.")),
    Code("permission_denied", 403, _("Not allowed"),
         remedy=_("With a browser session, send the CSRF token as `X-CSRFToken`. Some calls are for keys only.")),
    Code("role_required", 403, _("Not in this role"), _("Your role does not allow this."),
         _("Somebody with another role has to do this.")),
    Code("key_required", 403, _("Keys do this, people do not"),
         remedy=_("Tills and shops report it, with an API key.")),
    Code("all_stores_required", 403, _("For the whole merchant only"),
         remedy=_("Use a key that is not bound to a store.")),
    Code("tier_required", 403, _("The amount is above this role's limit"),
         _("With all that was asked for of the order or by its customer that day, it is above what your role decides."),
         _("`tier` names who decides it.")),
    Code("two_persons_needed", 403, _("Two persons are needed"),
         _("You asked for this one, changed it or approved it. Somebody else must pay it."),
         _("Somebody else has to do the other half.")),
    Code("second_person_needed", 403, _("A second person confirms it"),
         _("You said this yourself. Somebody else of finance confirms it."),
         _("Another person of finance, or an owner, has to confirm it.")),
    Code("second_approver_needed", 403, _("A second person approves it"),
         _("Your approval is the first of two. Somebody else gives the second."),
         _("Another person whose tier it is has to approve the same amount.")),
    Code("own_request", 403, _("Nobody decides their own request"),
         _("You submitted, changed or rang up this one. Someone else must decide it."),
         _("Somebody else has to decide it.")),
    Code("throttled", 429, _("Too many requests"),
         remedy=_("Wait for `Retry-After` seconds, then go on more slowly.")),
    # repeating
    Code("idempotency_key_reused", 422, _("The Idempotency-Key belongs to another request"),
         remedy=_("One key for one wish. For another wish make another key; nothing was stored."),
         field="Idempotency-Key"),
    Code("busy", 409, _("Just being changed"), _("Others changed the same things at this moment. Try again."),
         _("Wait for `Retry-After`, then the same call with the same key.")),
    # the sale
    Code("transaction_not_found", 404, _("There is no such sale"), _("There is no such sale."),
         _("Report it first, or mend the number."), field="transaction"),
    Code("ambiguous_order_no", 422, _("Several orders have this number"),
         _("Several sales have this order number. Choose one in the list."),
         _("`candidates` are their payments. Name the order by its `store` too, or one payment by `transaction`."),
         field="order_no"),
    Code("plan_changed", 409, _("Another plan holds by now"),
         _("The refund would be split between the payments in another way by now. Look at it once more."),
         _("`plan` is that one. Look at it, and send its `hash` as `plan_hash`. Nothing was stored.")),
    Code("route_not_for_a_leg", 422, _("A failed part moves to another route, on which a person pays"),
         _("A payment goes back only through the merchant number that took it. Choose a transfer, cash or store credit."),
         _("Choose a transfer, cash or store credit."), field="route"),
    Code("two_facts_needed", 422, _("One fact is not enough"),
         _("Give at least two facts: one alone fits too many sales."),
         _("Without a number, give two of time window, amount, end of card, end of phone, article.")),
    Code("unknown_store", 422, _("There is no such store"), _("Choose one of your stores."),
         _("Use a store's code; the key may be bound to another store."), field="store"),
    Code("unknown_terminal", 422, _("The store has no such terminal"), _("This store has no till of that number."),
         _("Leave it out, or have it set up."), field="terminal"),
    Code("reported_elsewhere", 409, _("Another store reported this payment"),
         remedy=_("Use a key of the whole merchant."), field="channel_transaction_no"),
    Code("sale_differs", 409, _("This payment is known with other facts"),
         remedy=_(
             "`errors` names what differs. Mend it with `POST …/corrections`, or report the same facts. Nothing was stored."
         )),
    Code("correction_below_refunds", 409, _("Refunds would be more than the sale"),
         _("Refunds of this sale rest on what it says: amount, pieces and store must still cover them. Nothing was changed."),
         _("Keep what was asked for or paid back covered, or withdraw those refunds first. Nothing was stored.")),
    Code("sale_changed", 409, _("The sale was corrected meanwhile"),
         _("Somebody else corrected this sale meanwhile. Look at what it says now; nothing was changed."),
         _("Read the sale again.")),
    Code("reason_required", 422, _("Say why"), _("Say why; the reason is kept."),
         _("Give a `reason`; the audit trail keeps it."), field="reason"),
    Code("nothing_to_correct", 422, _("Nothing is to be changed"), _("Change at least one fact of the sale."),
         _("Name a fact beside `reason`.")),
    Code("paid_in_the_future", 422, _("The sale is in the future"),
         _("The sale would be paid in the future. Look at the clock and the time zone."),
         _("Mend `paid_at`: local time in China ends in `+08:00`, not in `Z`. Nothing was stored.")),
    Code("lines_do_not_add_up", 422, _("The lines do not come to what was paid"),
         _("The lines come to another amount than was paid. A discount of the order is a line of its own, with a minus."),
         _(
             "`lines_fen`, `amount_fen` and `difference_fen` say by how much. A discount of the order is a line with "
             "`kind` `discount` and a minus, cut-off change one with `rounding`. Nothing was stored."
         )),
    Code("payer_paid_too_much", 422, _("The payer paid more than the sale"),
         _("With a coupon the payer pays less than the sale's amount, never more."),
         _("Mend `payer.paid_fen`: from 0 to `amount_fen`. Nothing was stored.")),
    Code("unknown_article", 422, _("The sale has no such article"), remedy=_("`lines` must name articles of the sale.")),
    # what the policy refuses; the numbers are in the verdict's own sentences (refunds.rules.explanations)
    Code("refused_by_policy", 422, _("The policy refuses"), _("The policy refuses this refund."), _VERDICT),
    Code("exceeds_refundable", (409, 422), _("More than can still be refunded"),
         _("This is more than can still be refunded of the sale."),
         _("Read the sale's `refundable_fen`. 409: something else took it at the same moment. Nothing was stored."),
         field="amount_fen"),
    Code("exceeds_quantity", (409, 422), _("More pieces than can still come back"),
         _("These are more pieces than can still come back."),
         _("Read the sale's lines: `quantity` less `returned_quantity`. Nothing was stored."), field="lines"),
    Code("payment_succeeded", 422, _("The payment is not confirmed, so there is nothing to refund yet."),
         _("The payment is not confirmed, so there is nothing to refund yet. Ask the channel about it on the page of the sale."),
         _("Ask the channel: `POST …/transactions/{id}/trade-queries`. Where it was paid, the sale becomes a success.")),
    Code("payment_unpaid", 422, _("The channel says that nothing was paid (yet): there is nothing to refund."),
         _("The channel says that nothing was paid (yet), so there is nothing to refund. Have the payment closed or reversed at "
           "the till, so that it cannot be paid any more; if the customer has paid since, ask the channel again."),
         _("Close or reverse the payment at the channel, or ask again if it was paid since. Nothing was stored.")),
    Code("payment_closed", 422, _("The channel closed this payment unpaid: there is nothing to refund."),
         _("The channel closed this payment unpaid, so there is nothing to refund. If the customer was charged, look for the "
           "payment that went through: it has another number."),
         _("Nothing to refund; look for the payment that went through under another number.")),
    Code("payment_reversed", 422, _("The channel has reversed this payment: the customer has the money back."),
         _("The channel has reversed this payment: the customer has the money back, and there is nothing to refund."),
         _("Nothing to refund: the reversal gave it all back.")),
    Code("payment_refunded", 422, _("The channel says that this payment was refunded already, outside of RefundDesk."),
         _("The channel says that this payment was refunded already, outside of RefundDesk. Its statement names the refund: take "
           "it into the books from there."),
         _("Nothing is left to refund; adopt the refund from the channel's statement.")),
    Code("payment_amount_differs", 422, _("The channel has this payment with another amount."),
         _("The channel has this payment with another amount. Set the sale right first, then ask the channel again."),
         _("Correct the sale (`POST …/corrections`), then ask again (`POST …/trade-queries`).")),
    Code("payment_not_known", 422, _("The channel knows no such payment."),
         _("The channel knows no payment of this number. Compare the number with the customer's payment record; if it was paid a "
           "moment ago, ask the channel again."),
         _("Check `channel_transaction_no` and the channel account, or ask again in a moment. Nothing was stored.")),
    Code("terminal_enabled", 422, _("Refunds are switched off at this till."), remedy=_VERDICT),
    Code("original_route", 422, _("The sale has no payment channel to refund through."), remedy=_VERDICT,
         field="route"),
    Code("channel_window", 422, _("The channel no longer refunds a sale of this age."), remedy=_VERDICT),
    Code("channel_refund_count", (409, 422), _("The channel takes no further refund of this sale."), remedy=_VERDICT),
    Code("no_cash_for_credit", 422, _("A sale paid by credit is never refunded in cash."), remedy=_VERDICT,
         field="route"),
    Code("consent_to_route", 422, _("Another way of paying back needs the customer's consent."), remedy=_VERDICT),
    Code("no_transfer_for_credit", 422,
         _("A sale paid by credit goes back to that credit as long as the channel takes it."), remedy=_VERDICT),
    Code("route_funding", 422, _("The policy pays a sale like this back on another route."), remedy=_VERDICT),
    Code("route_limit", (409, 422), _("This is above the limit of the route."), remedy=_VERDICT),
    Code("route_allowed", 422, _("The policy does not allow this route."), remedy=_VERDICT, field="route"),
    # the request's state
    Code("state_conflict", 409, _("Not in this state"),
         _("The refund has moved on meanwhile: this can no longer be done."), _READ_AGAIN),
    Code("version_conflict", 409, _("Somebody was faster"),
         _("Somebody changed this refund meanwhile. Your decision was not stored. Look at it once more."), _READ_AGAIN,
         field="version"),
    Code("claimed_by_another", 409, _("A colleague is working on it"), _("A colleague is working on this refund."),
         _READ_AGAIN),
    Code("original_route_impossible", 409, _("The original route is closed"),
         _("The sale cannot be refunded on its original route."), _("Another route has to be chosen.")),
    Code("sum_needs_review", 409, _("Together it needs a new decision"),
         _("Together with the order's other refunds it is above what was decided on. Send it in again: a person decides."),
         _("With the order's other refunds it is above what was decided on. Resubmit it: a person decides.")),
    Code("possible_duplicate", 409, _("The same was asked for meanwhile"),
         _("Another refund asked for the same of this order meanwhile. Look at it; if this one is another, send it in again."),
         _("`number` is that refund. Resubmit this one with `is_another`, or leave it: nothing was sent.")),
    Code("nothing_to_adopt", 409, _("The channel tells of no refund to take into the books"),
         _("The channel does not tell of a refund that is not in our books. Its statement will; adopt it there."),
         _("Wait for the statement: adopt its line. Nothing was changed.")),
    Code("asked_just_now", 429, _("The channel was asked a moment ago"),
         _("The channel was asked about this sale a moment ago. Look at what it said, or ask again in a few seconds."),
         _("Read the sale: `payment_check` has the answer. Wait for `Retry-After` before asking again.")),
    Code("nobody_to_ask", 409, _("There is no channel to ask about this sale"),
         _("This sale was paid through no channel that can be asked."),
         _("Sales paid in cash have no channel. Nothing was changed.")),
    Code("sale_held", 409, _("Finance holds this sale: what its channel says does not fit"),
         _("What the channel says of this sale's money does not fit our books. Nothing more leaves until finance has looked."),
         _("Finance ends the hold, with what it found: `POST …/end-hold`. Nothing was changed.")),
    Code("not_held", 409, _("The sale is not held"), _("The sale is not held any more."), _("Read the sale again.")),
    Code("unknown_finding", 422, _("Say what was found"), _("Choose what was found."),
         _("One of those that the schema lists."), field="finding"),
    # what a person pays
    Code("account_incomplete", 422, _("The account of the transfer is incomplete"),
         _("For a transfer, give the account holder, the bank and 8 to 32 digits; for other routes, nothing."),
         _("`payee` has holder, number and bank of the customer's own account; only a bank transfer has one.")),
    Code("payment_incomplete", 422, _("The payout cannot be confirmed like this"),
         _("Look at number, time and drawer: paid after the approval, not in the future, from a till here."),
         _("`errors` names each field. Cash names the till that it came from.")),
    Code("reference_used", 409, _("Another payout has this number"),
         _("Another payout was confirmed with this number. Look at the slip once more."),
         _("One transfer, slip or store credit proves one payout. Nothing was stored.")),
    Code("proof_incomplete", 422, _("The proof from the portal is incomplete"),
         _("Give the channel's number and when the portal says it was paid: after it was sent, not in the future."),
         _("`errors` names each field.")),
    Code("nothing_proposed", 409, _("Nobody has said what the portal shows"),
         _("Nobody has said what the portal shows of this refund, or it has moved on since. Look at it once more."),
         _("Say what the portal shows first, with a picture.")),
    # decisions and evidence
    Code("amount_above_requested", 422, _("More than was asked for"),
         _("The amount must be above zero and at most what was asked for."), _("Approve at most `amount_fen`."),
         field="amount_fen"),
    Code("reason_code_required", 422, _("A rejection needs a reason"), remedy=_("Send `reason_code`."),
         field="reason_code"),
    Code("unknown_reason_code", 422, _("Not one of the reasons"), _("Choose one of the reasons."),
         _("The schema lists them."), field="reason_code"),
    Code("message_required", 422, _("A message is missing"), _("Write a few words first."),
         _("Say in `message` what the customer should send."), field="message"),
    Code("consent_required", 422, _("The customer's consent is missing"),
         _("More time is the customer's to give: ask them, and say that they agreed."),
         _("Send `consent` as true once the customer agreed."), field="consent"),
    Code("extension_too_short", 422, _("The new time is not later"), _("Choose a time after the one that stands."),
         _("Send `until` after `due_at` and after now."), field="until"),
    Code("extension_too_long", 422, _("No refund may take that long"),
         _("Choose an earlier time: from day 15 on the law calls it deliberate delay."),
         _("Send `until` within 15 days of `created_at`."), field="until"),
    Code("not_a_picture", 422, _("Not a picture"),
         _("One of the files is not a JPEG, PNG or WebP picture, nor a paper in a PDF that can be read. Nothing was sent."),
         _("JPEG, PNG and WebP are taken, and PDF for other kinds than `photo`, whatever the file is called."), field="file"),
    Code("picture_too_large", 422, _("The picture is too large"), _("One of the pictures is larger than 8 MB. Nothing was sent."),
         _("At most 8 MB and 52 million pixels."), field="file"),
    Code("paper_too_long", 422, _("The PDF has too many pages"), _("A PDF may have 20 pages. Nothing was sent."),
         _("At most 20 pages."), field="file"),
    Code("unknown_evidence", 422, _("No such file was sent ahead"),
         _("A file is not here any more, or another refund has it. Add it again."),
         _("Send it to `/evidence` and name the new id within 24 hours; each file belongs to one request."), field="evidence"),
    Code("evidence_missing", 422, _("Evidence is missing"),
         _("The policy asks for evidence that is not there. Add it, or say why it cannot be given: then a person decides."),
         _("`errors` names the kinds. Send them to `/evidence` and name their ids in `evidence`, or say why not in "
           "`without_evidence`."), field="evidence"),
    # deposits
    Code("no_deposit", 422, _("The payment is no deposit"), _("This payment was not reported as a deposit."),
         _("Only a sale of the kind `deposit` has such terms."), field="transaction"),
    Code("deposit_above_contract", 422, _("More was paid than the contract comes to"),
         _("A deposit is a part of its contract: more was paid than the contract comes to."),
         _("`contract_amount_fen` is of the whole contract."), field="contract_amount_fen"),
    Code("deposit_terms_differ", 409, _("Other terms are recorded of this deposit"),
         _("Other terms are recorded of this deposit. They are agreed beforehand and not changed afterwards."),
         _("Read them with the transaction.")),
    Code("deposit_terms_too_late", 409, _("A refund of this deposit was asked for already"),
         _("A refund of this deposit was asked for already: its terms should have been recorded before."),
         _("Leave `deposit` out of the request: then a person decides.")),
    Code("no_deposit_terms", 422, _("No terms are recorded of this deposit"),
         _("No terms are recorded of this deposit, so the deposit rule cannot be reckoned."),
         _("Record them at `/transactions/{id}/deposit`, or leave `deposit` out: then a person decides."), field="deposit"),
    Code("deposit_cause_missing", 422, _("It is not said why the deposit ends"), _("Choose why the deposit ends."),
         _("Send `deposit` with its `cause`."), field="deposit.cause"),
    Code("invalid_percent", 422, _("Not a percentage"), _("Give a whole number from 1 to 100."),
         _("`open_percent` is how much of the contract was not performed."), field="deposit.open_percent"),
    Code("no_deduction", 422, _("Nothing can be deducted like this"),
         _("Only from a security is anything deducted, and no more than was paid."),
         _("Leave `deduction_fen` out, or send less."), field="deposit.deduction_fen"),
    Code("too_many_pictures", 409, _("The request has enough pictures"), _("A refund can have 12 pictures. Nothing was sent."),
         _("Twelve are kept.")),
    # the policy and its drafts
    Code("draft_changed", 409, _("Somebody saved the draft meanwhile"),
         _("A colleague saved this draft while you were writing. Yours was not stored."),
         _("Read the draft again, and send what you change with its `revision`. Nothing was stored."), field="revision"),
    Code("finding_gone", 409, _("The draft does not have this finding any more"), None, _("Read the draft's proof again.")),
    Code("trial_running", 409, _("A trial has not ended yet"),
         _("Another trial has not ended yet. Wait for it, or cancel it, then start this one."),
         _("Wait until the running trial has ended, or cancel it.")),
    Code("trial_ended", 409, _("The trial has ended"), None, _("Read the trial: its results are there, or it was cancelled.")),
    Code("trial_period", 422, _("The period is empty or too long"),
         _("Choose a first day and a last one that is not before it, at most a year."), _MEND_BODY),
    Code("shadow_running", 409, _("Another draft rides along"),
         _("One draft at a time rides along. Stop that one first, or wait until it ends."),
         _("Stop the other one first, or wait until it ends.")),
    Code("shadow_ended", 409, _("The draft rides along no more"), None, _("Start another ride.")),
    Code("shadow_days", 422, _("A draft rides along for 1 to 14 days"), None, _MEND_BODY),
    Code("draft_closed", 409, _("The draft was published or discarded"),
         _("This draft was published or discarded meanwhile. Nothing was stored."), _("Start another draft.")),
    Code("policy_moved", 409, _("Another version was published meanwhile"),
         _("Another version was published since this draft was begun. Look at what it changed first."),
         _("Look at version `latest`, then `POST …/catch-up`.")),
    Code("own_draft", 403, _("Nobody publishes what they wrote"),
         _("You have changed this draft. Somebody else who may publish has to look at it and publish it."),
         _("Another manager or owner publishes it.")),
    Code("alone_not_said", 422, _("Nobody else may publish here"),
         _("Nobody else may publish here. Tick that you do it without a second pair of eyes."),
         _("Send `alone` with `true`: the version keeps it."), field="alone"),
    Code("not_asked", 409, _("Nobody was asked to publish the draft"),
         _("This draft was not handed over to be published. Ask whoever writes it."),
         _("Whoever wrote it asks first: `POST …/ask`.")),
    Code("change_reason_required", 422, _("A change of the rules needs a reason"), _("Say why the rules change."),
         _("Give a `reason`; the history keeps it."), field="reason"),
    Code("effective_in_past", 422, _("Rules never come into force in the past"),
         _("Choose a time from now on: rules never come into force in the past."), _("Leave it out, or choose a later one."),
         field="effective_at"),
    Code("nothing_changed", 422, _("The draft says what is in force"),
         _("The draft says the same as the rules in force. Change something first."), _("Change a rule first.")),
    Code("no_such_publisher", 422, _("They cannot publish it"),
         _("Choose a manager or owner of all stores who has not changed this draft."),
         _("Name somebody who may publish and has not written it; left out: any of them."), field="colleague"),
    Code("policy_invalid", 422, _("The rules cannot be read"),
         _("These rules contradict themselves, or name something that there is not. Look at tiers, stores and reasons: "
           "the tiers' limits rise, and only the last has none."),
         _("`detail` says where. Nothing was stored."), field="rules"),
    Code("guide_invalid", 422, _("The guides cannot be read"), _("A guide has at most 4,000 characters in each language."),
         _("`guides` are texts by kind of refund, each in `zh` and `en`. Nothing was stored."), field="guides"),
    # ours
    Code("internal_error", 500, _("The fault is ours"),
         remedy=_("It was recorded. Send the same call with the same key again: nothing is done twice.")),
    Code("try_again", 503, _("Not right now"),
         remedy=_("Wait for `Retry-After`, then the same call with the same key: nothing is done twice.")),
    Code("took_too_long", 503, _("This took too long"),
         remedy=_("It was stopped so that others need not wait. Ask for less at once: a shorter window, a number, "
                  "a smaller `limit`.")),
)

#: Codes of single fields, inside ``errors``. A message beside the code may say more, such as a field's own limits.
FIELDS: Final = (
    Code("differs", 409, _("This payment is known with another value.")),
    Code("candidate", 422, _("This payment may be meant.")),
    Code("required", 400, _("It is missing.")),
    Code("null", 400, _("It must not be null.")),
    Code("blank", 400, _("It must not be empty.")),
    Code("empty", 400, _("It must not be empty.")),
    Code("invalid", 400, _("It is not of the kind that belongs here.")),
    Code("date", 400, _("An instant belongs here, not a day.")),
    Code("datetime", 400, _("A day belongs here, not an instant.")),
    Code("make_aware", 400, _("There is no such moment in this time zone.")),
    Code("overflow", 400, _("The instant is out of range.")),
    Code("max_value", 400, _("The number is too large.")),
    Code("min_value", 400, _("The number is too small.")),
    Code("max_string_length", 400, _("The number has too many digits.")),
    Code("max_length", 400, _("It is too long.")),
    Code("min_length", 400, _("It is too short.")),
    Code("invalid_choice", 400, _("It is none of the values that the description lists.")),
    Code("not_a_list", 400, _("A list belongs here.")),
    Code("no_name", 400, _("The file has no name.")),
    Code("unknown_field", 400, _("This field is not known.")),
    Code("control_character", 400, _("Control characters are not allowed.")),
    Code("offset_missing", 400, _("Give the offset, such as +08:00.")),
    Code("out_of_range", 400, _("The year is out of range.")),
    Code("invalid_phone", 400,
         _("This is no phone number: write a mobile number of 11 digits, or a landline with its area code.")),
    Code("amount_barcode", 400,
         _("This is an article's barcode, not an amount: scan it into the search, and write the amount in yuan.")),
    Code("invalid_quantity", 400, _("A number above zero with up to three decimals, such as 1 or 0.356; no text.")),
    Code("below_zero", 400, _("Only lines of the kinds discount, rounding and deposit may be below zero.")),
    Code("repeated", 400, _("It was given more than once.")),
    Code("sale_not_named", 400, _("Name the sale by either transaction or order_no.")),
    Code("one_file", 400, _("Send one file at a time.")),
    Code("invalid_limit", 400, _("A whole number from 1 to 200.")),
    Code("invalid_cursor", 400, _("It is not a cursor of this list.")),
    Code("idempotency_key_missing", 400, _("Send an Idempotency-Key header.")),
    Code("idempotency_key_invalid", 400, _("1 to 255 visible ASCII characters.")),
    Code("in_the_future", 422, _("It is in the future.")),
    Code("before_approval", 422, _("It is before the refund was approved.")),
    Code("not_for_this_route", 422, _("It does not belong to this route.")),
    Code("unknown_period", 400, _("It is none of the periods.")),
    Code("from_after_to", 400, _("The first day is after the last.")),
    Code("period_too_long", 400, _("A period has at most 400 days.")),
    Code("invalid_date", 400, _("A day is written yyyy-mm-dd.")),
)

#: What only people are told, on the desk, on the customer's page or at a terminal of ours.
REFUSALS: Final = (
    Code("refused", 422, _("This cannot be done. Nothing was changed.")),
    Code("form_incomplete", 422, _("The form was incomplete. Load the page again.")),
    Code("not_confirmed", 422, _("Tick that you have compared it. Nothing was done.")),
    Code("confirmation_stale", 422,
         _("Something changed, or the page is too old. Look at it once more; nothing was recorded.")),
    Code("nothing_chosen", 422, _("Choose at least one refund.")),
    Code("too_many_rows", 422,
         _("These are more than 100,000 refunds. Narrow the list by days or filters, then export it.")),
    Code("amount_invalid", 422, _("Write the amount in yuan with at most two decimals, for example 268.00.")),
    Code("amount_comma", 422,
         _("A comma only groups thousands, as in 1,234.00: write decimals behind a point, for example 268.50.")),
    Code("amount_exponent", 422, _("Write the amount in digits: 100.00 and not 1e2.")),
    Code("amount_finer", 422, _("An amount has at most two decimals: nothing is finer than a fen.")),
    Code("amount_too_large", 422, _("This amount is too large to be one. Write it in yuan, for example 268.00.")),
    Code("finding_missing", 422, _("Say what the portal shows: that it is paid, or that there is no such refund.")),
    Code("card_end_invalid", 422, _("Give the last four digits of the card, or nothing.")),
    Code("moment_invalid", 422, _("Give day and time of the payment.")),
    Code("consent_missing", 422, _("Ask the customer first and tick that they agree.")),
    Code("unknown_colleague", 422, _("This colleague cannot take it on.")),
    Code("invalid_period", 422, _("Choose a first day and a last day after it, 400 days at most.")),
    Code("delegation_to_oneself", 422, _("Nobody is their own deputy, or makes themselves one: choose a colleague.")),
    Code("delegation_time", 422, _("It ends after it begins, in the future, and lasts 92 days at most.")),
    Code("delegation_limit", 422, _("The limit is an amount above zero.")),
    Code("delegation_role", 422,
         _("Only somebody whose role decides refunds can decide for another, or be decided for.")),
    Code("delegation_too_much", 422, _("You can give no more than your own role and stores decide.")),
    # signing in, and the customer's link
    Code("invalid_login", 200, _("User name or password is wrong.")),
    Code("too_many_guesses", 429, _("There were too many tries. This one was not looked at.")),
    Code("link_expired", 410,
         _("Links are good for a limited time. Ask the store for a new one; have your refund number or receipt at hand.")),
    Code("too_many_at_once", 422, _("Please send at most 6 pictures at once. Nothing was sent.")),
    Code("nothing_sent", 422, _("Please choose at least one picture.")),
    Code("empty_answer", 422, _("Please write an answer or add a picture.")),
    Code("score_out_of_range", 422, _("Please choose one to five stars.")),
    Code("already_rated", 409, _("This refund was rated before.")),
    Code("unknown_kind", 422, _("Choose what the picture shows.")),
    # hours and grace
    Code("hours_invalid", 422, _("Write hours like 10:00-14:00 17:00-22:00, nothing for a day that is shut. Nothing was saved.")),
    Code("unknown_day_kind", 422, _("Choose what the day is.")),
    Code("day_invalid", 422, _("Choose a day.")),
    Code("grace_invalid", 422, _("Choose an end that is to come, after the beginning, and 1 to 360 hours.")),
    Code("grace_overlaps", 409, _("These stores have more time in those days already. End that first.")),
    Code("grace_over", 409, _("It is over already.")),
    # the policy
    Code("form_has_errors", 422, _("Not saved yet: some fields cannot be read. What you typed is still there.")),
    Code("months_invalid", 422, _("Give a number of months from 1 to 24.")),
    Code("rule_change_incomplete", 422, _("Give channel, day, what changes and where it says so.")),
    # keys and channel accounts
    Code("name_required", 422, _("Give it a name.")),
    Code("unknown_scope", 422, _("Choose at least one permission for the key.")),
    Code("unknown_overlap", 422, _("Choose how long the old key works on. Nothing was changed.")),
    Code("name_not_typed", 422, _("Type the name of the key exactly as it stands above. Nothing was changed.")),
    Code("key_replaced", 409, _("This key was rotated or revoked before. Nothing was changed.")),
    Code("credentials_invalid", 422, _("These credentials cannot be used. Nothing was changed.")),
    Code("account_unusable", 422, _("This channel account cannot be used: its credentials or settings are incomplete.")),
    # payouts and messages
    Code("retry_is_no_use", 409,
         _("The channel would refuse this again. Correct the request and send it in again.")),
    Code("payee_incomplete", 422,
         _("For a customer's card, give the bank, 12 to 19 digits and the card holder's name.")),
    Code("payee_refused", 409,
         _("The channel did not take this account. The refund stays where it was; try another account.")),
    Code("not_given_up", 409, _("This message is on its way or was sent; there is nothing to repeat.")),
    Code("idempotency_key_used", 409, _("This form was sent in before.")),
    # reconciliation
    Code("day_closed", 409, _("This day is closed. Reopen it with a note first.")),
    Code("day_not_closed", 409, _("This day is open already.")),
    Code("day_unknown", 422, _("Choose one of your accounts and a day that is over.")),
    Code("cannot_close", 409, _("This day cannot be closed yet.")),
    Code("bill_missing", 409, _("There is no statement of this day yet.")),
    Code("differences_open", 409, _("Resolve every difference first.")),
    Code("payouts_pending", 409, _("Payouts of this day are still in flight.")),
    Code("file_missing", 422, _("Choose the statement's file.")),
    Code("bill_unreadable", 422, _("The file is no statement of this channel that we know.")),
    Code("bill_damaged", 422, _("The statement was damaged, cut short or edited.")),
    Code("bill_empty", 422, _("The file is empty.")),
    Code("bill_of_another_day", 422, _("Most refunds in this statement belong to other days.")),
    Code("bill_of_another_channel", 422, _("This is another channel's statement.")),
    Code("bill_of_another_account", 422, _("This is another account's statement.")),
    Code("bill_of_another_kind", 422, _("This is a statement of another kind.")),
    Code("bill_of_consumer", 422, _("This is a consumer's own list of payments.")),
    Code("bill_resaved", 422, _("This file was saved again by a spreadsheet.")),
    Code("bill_web_page", 422, _("This is a web page, not a statement.")),
    Code("bill_workbook", 422, _("This kind of workbook is not read.")),
    Code("bill_locked", 422, _("The file is locked by a password.")),
    Code("bill_archive", 422, _("This kind of archive is not read.")),
    Code("bill_zip", 422, _("The zip does not hold exactly one statement.")),
    Code("bill_lacks_columns", 422, _("The statement lacks columns.")),
    Code("bill_does_not_add_up", 422, _("The statement does not add up.")),
    Code("funds_before_statement", 422, _("The statement of this day is to be taken in before its fund flow.")),
    Code("bill_unavailable", 422, _("The channel does not give this statement now. Try again later.")),
    Code("STATEMENT_CREATING", 422, _("The channel is still making this statement. It is asked again by itself.")),
    Code("NO_STATEMENT_EXIST", 422, _("The channel has no statement of this day.")),
    Code("already_resolved", 409, _("Somebody resolved this difference meanwhile.")),
    Code("unknown_resolution", 422, _("Choose what became of the difference.")),
    Code("unknown_assignee", 422, _("Give it to somebody in finance, a manager or an owner.")),
    Code("cannot_adopt", 409, _("This difference cannot be adopted.")),
    Code("adopt_known", 409, _("We have a refund with this number and call it failed. Look into that refund instead.")),
    Code("adopt_repeated", 409, _("The same refund stands in the statement more than once.")),
    Code("adopt_no_sale", 409, _("We do not know the sale that this refund belongs to.")),
    Code("adopt_not_paid", 409, _("The channel had not paid it yet when the statement was made.")),
    Code("invariants_running", 409, _("The invariants are being checked right now. Wait until that run ends.")),
)
# fmt: on

CODES: Final = {code.name: code for code in (*PROBLEMS, *FIELDS, *REFUSALS)}
