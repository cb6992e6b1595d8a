"""A draft tried on a long past: 100,000 requests with the facts and counters that judged them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from analytics.models import Trial, TrialState
from analytics.trials import running
from analytics.trials.replay import Past, replayed
from core.database import logins
from merchants.models import Merchant, PolicyVersion, Role, Staff
from merchants.policies import drafting
from merchants.policies.drafting import Written
from merchants.policies.rules import read_rules
from merchants.principals import of_staff
from refunds.models import RefundRequest
from refunds.models.judgement import Occasion
from refunds.rules.facts import Facts, as_text, canonical
from refunds.rules.policy import Ruling
from refunds.rules.standing import Standing
from refunds.states import RELEASED, State
from samples.demo import scale

#: The past is judged under these; the draft under narrower ones, so that counters bind in both courses of it.
_THEN = {
    "auto_approve_limit_fen": 15_000,
    "auto_order_limit_fen": 15_000,
    "auto_customer_day_limit_fen": 30_000,
    "auto_cashier_day_count": 20,
    "auto_store_day_fen": 100_000,
    "auto_key_day_count": 500,
}
_DRAFT = {"auto_approve_limit_fen": 10_000, "auto_cashier_day_count": 1, "auto_store_day_fen": 60_000}


def load(*, requests: int) -> tuple[Staff, dict[str, object]]:
    """A merchant of that many requests, each with its facts and its verdict. Returns its owner and the rules that judged."""
    size = scale.Size(requests=requests, sales=requests, open_requests=2_000)
    scale.load(size=size, seed=1, now=timezone.now(), say=lambda _: None)
    merchant = Merchant.objects.get(code=scale.CODE)
    version = PolicyVersion.objects.get(merchant=merchant)
    rules = {**version.rules, **_THEN}
    with logins.as_owner(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        # The version that everything was judged under is one that binds: what never changes is changed by its owner, here only.
        cursor.execute("ALTER TABLE merchants_policyversion DISABLE TRIGGER USER")
        cursor.execute("UPDATE merchants_policyversion SET rules = %s WHERE id = %s", [json.dumps(rules), version.pk])
        cursor.execute("ALTER TABLE merchants_policyversion ENABLE TRIGGER USER")
        cursor.execute("CREATE TEMP TABLE judged (request_id uuid, facts text, digest text, verdict jsonb)")
        scale.copy(cursor, "judged", _judged(rules, version.number))
        cursor.execute(
            "INSERT INTO refunds_judgement (request_id, sequence, merchant_id, policy_version_id, occasion, at, facts, digest) "
            "SELECT r.id, 1, r.merchant_id, %s, %s, r.created_at, j.facts, j.digest "
            "FROM judged j JOIN refunds_refundrequest r ON r.id = j.request_id",
            [version.pk, Occasion.SUBMISSION],
        )
        cursor.execute("UPDATE refunds_refundrequest r SET verdict = j.verdict FROM judged j WHERE r.id = j.request_id")
    with logins.as_owner(), connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) refunds_refundrequest, refunds_judgement")
    return Staff.objects.get(username=scale.PEOPLE[Role.OWNER]), rules


def measure(*, requests: int) -> tuple[Trial, float, float]:
    """The trial at its end, and the seconds that it took one worker: by the clock, and of its processor."""
    owner, rules = load(requests=requests)
    by, now = of_staff(owner), timezone.now()
    draft = drafting.start(by=by, at=now)
    written = Written(name="narrower", rules={**rules, **_DRAFT}, guides={})
    drafting.write(draft_id=draft.pk, revision=draft.revision, written=written, by=by, at=now)
    trial = running.start(draft_id=draft.pk, since=now - timedelta(days=running.MOST_DAYS), until=now, by=by, at=now)
    began, used = time.perf_counter(), time.process_time()
    running.work()
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - used
    trial.refresh_from_db()
    if trial.state != TrialState.DONE or trial.results is None or trial.total < requests * 0.99:
        raise AssertionError(f"the trial of {trial.total} is {trial.state}")
    return trial, seconds, cpu_s


def _judged(rules: dict[str, object], version: int) -> Iterator[tuple[object, ...]]:
    """Id, facts, digest and verdict of each request: what the rules say of them one after another."""
    typed = read_rules(rules)
    for tried in replayed(pasts=_pasts(), rules=typed):
        verdict, past = replace(tried.fed, policy_version=version), tried.past
        names = {"order": past.order, "customers": past.customers, "cashiers": past.cashiers, "keys": past.api_keys}
        yield str(past.request_id), as_text(tried.facts, who=names), verdict.digest(), canonical(verdict.as_json())


def _pasts() -> Iterator[Past]:
    """What was asked for, in order of time, before anybody judged it."""
    rows = RefundRequest.objects.order_by("created_at", "pk").values_list(
        *("pk", "created_at", "amount_fen", "reason", "state", "updated_at", "cashier", "api_key_id"),
        *("store__code", "customer_phone_hash", "transaction__order_no"),
        *("transaction__amount_fen", "transaction__paid_at"),
    )
    for (
        pk,
        at,
        amount,
        reason,
        state,
        ended_at,
        cashier,
        key,
        store,
        phone,
        order,
        paid_fen,
        paid_at,
    ) in rows.iterator():
        known = 0 if phone else None
        yield Past(
            request_id=UUID(str(pk)),
            facts=Facts(
                at=at,
                amount_fen=amount,
                reason=reason,
                route="original",
                consent=True,
                paid_fen=paid_fen,
                refundable_fen=paid_fen,
                paid=True,
                paid_at=paid_at,
                funding="balance",
                has_channel=True,
                channel_window_days=365,
                channel_max_refunds=50,
                refunds_so_far=0,
                terminal_enabled=True,
                store=store,
                sums=Standing(
                    customer_day_fen=known,
                    customer_30_days_fen=known,
                    customer_30_days_count=known,
                    customer_orders=known,
                    cashier_day_count=0,
                    cashier_day_fen=0,
                    store_day_fen=0,
                    key_day_count=0,
                    key_day_fen=0,
                ),
            ),
            was=Ruling.REFUSE,
            order=order,
            customers=[bytes(phone).hex()] if phone else [],
            cashiers=[cashier],
            api_keys=[str(key)],
            released_at=ended_at if state in RELEASED else None,
            was_rejected=state == State.REJECTED,
        )
