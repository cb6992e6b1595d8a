"""What each act of the trail is called; acts on refunds are called as on the refund's own page."""

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.audit.models import AuditEvent
from desk.refund import timeline

#: The first part of an act's name -> what it is about.
GROUPS: Final[Mapping[str, Promise]] = {
    "refund": _("Refunds"),
    "transaction": _("Sales"),
    "staff": _("Team"),
    "delegation": _("Deputies"),
    "store": _("Stores"),
    "terminal": _("Tills"),
    "shift": _("Shifts"),
    "api_key": _("API keys"),
    "batch": _("Batches"),
    "channel_account": _("Channel accounts"),
    "policy": _("Refund policy"),
    "channel_rule": _("Rules of the channels"),
    "calendar": _("Opening hours"),
    "grace": _("Time after a disaster"),
    "reconciliation": _("Reconciliation"),
    "message": _("Message wording"),
    "notification": _("Notifications"),
    "message_carrier": _("Carriers"),
    "alert_address": _("Alerts"),
    "sandbox": _("Sandbox"),
    "personal_data": _("Personal data"),
    "audit": _("Audit trail"),
}

ACTS: Final[Mapping[str, Promise]] = {
    "audit.holder": _("named who holds checkpoints"),
    "refund.verify": _("checked the request"),
    "refund.export": _("took a list of refunds away"),
    "transaction.ask_channel": _("asked the channel about the payment"),
    "transaction.correct": _("corrected what was reported of the sale"),
    "transaction.deposit_terms": _("recorded the terms of a deposit"),
    "transaction.hold": _("held the sale for finance"),
    "transaction.end_hold": _("ended the hold of the sale"),
    "staff.review_settings": _("changed how work is handed out and looked at twice"),
    "staff.reviewer": _("changed what a reviewer takes"),
    "delegation.give": _("named a deputy"),
    "delegation.revoke": _("ended a delegation"),
    "store.open": _("opened a store"),
    "store.change": _("changed a store"),
    "store.close": _("closed a store"),
    "store.reopen": _("opened a store again"),
    "store.hours": _("changed opening hours"),
    "calendar.day": _("said what a day is"),
    "grace.declare": _("gave stores more time"),
    "grace.end": _("ended the time after a disaster"),
    "terminal.register": _("registered a till"),
    "terminal.change": _("changed a till"),
    "terminal.refunds_on": _("switched refunds on at a till"),
    "terminal.refunds_off": _("switched refunds off at a till"),
    "terminal.report": _("reported another version, or a part that broke or works again"),
    "shift.open": _("opened a shift"),
    "shift.close": _("closed a shift"),
    "terminal.newest_version": _("named the newest software"),
    "api_key.issue": _("issued an API key"),
    "api_key.rotate": _("rotated an API key"),
    "api_key.revoke": _("revoked an API key"),
    "api_key.mandate": _("changed what an API key may ask for"),
    "api_key.stop": _("stopped API keys"),
    "api_key.resume": _("let stopped API keys go on"),
    "batch.file": _("filed a batch of refunds"),
    "transaction.export": _("took a list of sales away"),
    "notification.export": _("took a list of messages away"),
    "batch.offer": _("brought a file of sales or refunds"),
    "batch.map": _("said what the columns of a file are"),
    "batch.take_failed": _("took the failed rows of a file away"),
    "batch.confirm": _("let a batch of refunds run"),
    "batch.cancel": _("called a batch of refunds off"),
    "batch.move": _("carried a batch of refunds on"),
    "sandbox.open": _("made the sandbox"),
    "sandbox.clock": _("moved the sandbox's clock on"),
    "sandbox.event": _("sent a test event"),
    "channel_account.open": _("opened a channel account"),
    "channel_account.credentials": _("changed a channel account's credentials"),
    "channel_account.profile": _("changed what a channel account's contract says"),
    "channel_account.test": _("tested a channel account"),
    "channel_account.close": _("put a channel account out of use"),
    "channel_rule.add": _("noted a change of a channel's rules"),
    "channel_rule.see": _("saw a change of a channel's rules"),
    "policy.draft": _("began a draft of the policy"),
    "policy.draft_save": _("saved a draft of the policy"),
    "policy.draft_ask": _("asked for a draft to be published"),
    "policy.draft_catch_up": _("brought a draft up to date"),
    "policy.draft_discard": _("discarded a draft of the policy"),
    "policy.publish": _("published the policy"),
    "policy.review": _("looked the policy through"),
    "policy.trial": _("tried a draft on the past"),
    "policy.trial_cancel": _("cancelled a trial"),
    "policy.shadow": _("let a draft ride along"),
    "policy.shadow_stop": _("ended a draft's riding along"),
    "reconciliation.import": _("took a statement in"),
    "reconciliation.funds": _("took a fund flow in"),
    "reconciliation.clear": _("cleared a difference"),
    "reconciliation.assign": _("assigned a difference"),
    "reconciliation.resolve": _("resolved a difference"),
    "reconciliation.adopt": _("adopted a refund made in the portal"),
    "reconciliation.close": _("closed a day"),
    "reconciliation.reopen": _("reopened a day"),
    "message.wording": _("changed the wording of a message"),
    "message.test": _("sent a test message"),
    "message_carrier.save": _("set up a carrier of messages"),
    "message_carrier.template": _("changed a carrier's template"),
    "message_carrier.test": _("tested a carrier of messages"),
    "message_carrier.remove": _("removed a carrier of messages"),
    "message_carrier.order": _("changed by which medium customers are told"),
    "alert_address.add": _("added an address for alerts"),
    "alert_address.test": _("tested an address for alerts"),
    "alert_address.remove": _("removed an address for alerts"),
    "personal_data.retention": _("changed how long personal data is kept"),
    "personal_data.erase": _("erased personal data"),
    "audit.export": _("took the audit trail away"),
    "audit.verify": _("had the audit trail verified"),
    "audit.key_changed": _("sealed the trail under another key"),
    "audit.heads_begun": _("began the heads outside the database again"),
}


def words(event: AuditEvent) -> tuple[str, str]:
    """What was done, and the detail that stands beside it."""
    if event.action in ACTS:
        return str(ACTS[event.action]), ""
    said, detail = timeline.described(event)
    if said != event.action:
        return said, detail
    group = event.action.partition(".")[0]
    return str(GROUPS.get(group, event.action)), event.action.partition(".")[2]
