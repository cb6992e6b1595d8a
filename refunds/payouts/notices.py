"""Channels calling back: verify, store, answer; apply afterwards, many in one commit.

A notice is believed only after its signature; a repeat finds its row in the inbox and has no second effect.
"""

import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from core import clock, doorbell
from core.audit.actors import channel as actor_of
from core.failpoints import failpoint
from core.plain_text import one_line
from core.sql import save_fields
from merchants.models import ChannelAccount
from payment_channels.contract import (
    CredentialsInvalid,
    ForeignNotice,
    NoticeRejected,
    NoticeReply,
    ProfileInvalid,
    RawNotice,
    RefundNotice,
)
from refunds.models import ChannelNotice, Execution
from refunds.payouts import NOT_STORABLE, Answer, elsewhere, kept_outcomes, settle
from refunds.payouts.adapters import adapter_before, adapter_for
from terminals import confirming
from terminals.accounts import same_number

logger = logging.getLogger(__name__)

TASK = "refunds.apply_notices"
_BATCH = 200
#: Between the machines of one installation, at most.
_CLOCKS_DIFFER = timedelta(minutes=1)


class UnknownAccount(LookupError):
    """No such channel account; the channel is told no more than that."""


def receive(*, channel: str, account_code: str, headers: Mapping[str, str], body: bytes, at: datetime) -> NoticeReply:
    """Verify and store one notice; returns what to answer the channel with. Raises ``UnknownAccount``."""
    # One that is no longer in use, too: channels tell what became of its refunds, and of those of its sales, where it was told.
    found = ChannelAccount.objects.filter(code=account_code, channel=channel)
    account = found.values_list("pk", "revision", "merchant_id", "merchant__clock_ahead").first()
    if account is None:
        raise UnknownAccount(account_code)
    account_id, revision, merchant_id, ahead = account
    adapter = adapter_for(account_id, revision)
    raw = RawNotice(headers=headers, body=body, received_at=at)
    try:
        notice = adapter.read_notice(raw)
    except NoticeRejected as error:
        under_others = _read_under_others(account_id, raw)
        if under_others is None:
            return adapter.decline(error.code)
        notice = under_others
    if isinstance(notice, ForeignNotice):
        _count_foreign(account_id, about=notice.about, at=at)
        if notice.paid:
            number, payment_no, amount_fen = notice.paid
            payments = {number: confirming.Payment(payment_no, amount_fen)}
            confirming.confirm_paid(
                merchant_id=merchant_id, account_id=account_id, payments=payments, by=actor_of(channel), at=at
            )
        return adapter.acknowledge()
    row = ChannelNotice(
        channel_account_id=account_id,
        event_id=notice.event_id,
        refund_no=notice.refund_no,
        # What does not fit in is no number of a payment of ours.
        channel_transaction_no=notice.channel_transaction_no if len(notice.channel_transaction_no) <= 64 else "",
        refunded_fen=notice.refunded_fen,
        amount_fen=notice.amount_fen or None,
        outcome=kept_outcomes.as_json(notice.outcome),
        received_at=at + ahead,
    )
    ChannelNotice.objects.bulk_create([row], ignore_conflicts=True)
    failpoint("notices.after_store")
    doorbell.ring([clock.SANDBOXES if ahead else TASK])
    return adapter.acknowledge()


def _read_under_others(account_id: int, raw: RawNotice) -> RefundNotice | ForeignNotice | None:
    """The notice under the keys that the account had before, or that another account of its merchant number has: one that was
    replaced and the one in its place speak of the same money, wherever the channel was told to call.
    """
    account = ChannelAccount.objects.get(pk=account_id)
    for one in (account, *same_number(account)):
        readers = [adapter_before(one.pk, at=raw.received_at)]
        with suppress(CredentialsInvalid, ProfileInvalid):
            readers.insert(0, adapter_for(one.pk, one.revision))
        for reader in readers:
            with suppress(NoticeRejected):
                if reader is not None:
                    return reader.read_notice(raw)
    return None


def _count_foreign(account_id: int, *, about: str, at: datetime) -> None:
    """One row a kind, with how many came: a shop that sends everything here must not fill the inbox."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO refunds_channelnotice "
            "(channel_account_id, event_id, refund_no, outcome, received_at, applied_at, effect) "
            "VALUES (%s, %s, '', jsonb_build_object('count', 1), %s, %s, 'foreign') "
            "ON CONFLICT (channel_account_id, event_id) DO UPDATE SET received_at = excluded.received_at, "
            "outcome = jsonb_build_object('count', (refunds_channelnotice.outcome->>'count')::bigint + 1)",
            [account_id, f"foreign {one_line(about, limit=60)}", at, at],
        )


def apply_waiting(*, at: datetime) -> int:
    """Apply stored notices until none waits. Returns how many."""
    doorbell.answered(TASK)
    applied = 0
    while (count := _apply_batch(at)) > 0:
        applied += count
        failpoint("notices.after_commit")
    return applied


@transaction.atomic
def _apply_batch(at: datetime) -> int:
    waiting = list(
        ChannelNotice.objects.select_for_update(skip_locked=True)
        # One of a sandbox whose clock runs ahead is applied by that clock.
        .filter(applied_at__isnull=True, received_at__lte=at + _CLOCKS_DIFFER)
        .order_by("pk")[:_BATCH]
    )
    if not waiting:
        return 0
    payouts = {
        (account_id, refund_no): (pk, request_id)
        for pk, request_id, account_id, refund_no in Execution.objects.filter(
            refund_no__in={notice.refund_no for notice in waiting}
        ).values_list("pk", "request_id", "channel_account_id", "refund_no")
    }
    answers: dict[int, Answer] = {}
    for notice in waiting:
        payout = payouts.get((notice.channel_account_id, notice.refund_no)) or _of_same_number(notice, payouts)
        notice.applied_at, notice.effect = at, "applied" if payout else elsewhere.UNKNOWN
        if payout:
            outcome = kept_outcomes.from_json(notice.outcome)
            answers[notice.pk] = Answer(payout[0], payout[1], notice.channel_account_id, outcome, "notice", notice.pk)
    elsewhere.note(one for one in waiting if one.effect == elsewhere.UNKNOWN)
    refused = _settle(answers, at)
    for notice in waiting:
        if notice.pk in refused:
            notice.effect = "not_storable"
    save_fields(waiting, ("applied_at", "effect"))
    failpoint("notices.before_commit")
    return len(waiting)


def _of_same_number(
    notice: ChannelNotice, payouts: Mapping[tuple[int, str], tuple[UUID, UUID]]
) -> tuple[UUID, UUID] | None:
    """The payout and request where it went out through the account in the place of the one that was called, or before it."""
    if not any(refund_no == notice.refund_no for _, refund_no in payouts):
        return None
    others = same_number(notice.channel_account)
    return next((found for one in others if (found := payouts.get((one.pk, notice.refund_no)))), None)


def _settle(answers: Mapping[int, Answer], at: datetime) -> set[int]:
    """All at once; where the records cannot take one of them, one by one. Returns the notices without effect.

    Nothing is lost with such a notice: the payout stays due, and the channel is asked.
    """
    try:
        settle(list(answers.values()), at=at)
    except NOT_STORABLE:
        refused = set()
        for pk, answer in answers.items():
            try:
                settle([answer], at=at)
            except NOT_STORABLE:
                logger.exception("notice %s cannot be applied", pk)
                refused.add(pk)
        return refused
    return set()
