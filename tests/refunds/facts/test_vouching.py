"""Approvals that nobody forges: whatever a superuser of the database changes, nothing of it is paid and all of it is found."""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from core.personal_data import seal
from invariants import inspection
from merchants import signing
from merchants.models import Merchant, Signature, Staff
from merchants.principals import Principal, Shown, of_staff
from refunds import payouts
from refunds.facts import vouching
from refunds.models import Approval, Execution, RefundRequest
from refunds.payouts import by_hand
from refunds.payouts.by_hand import Payment
from refunds.payouts.loop import drain
from refunds.review import deciding
from refunds.states import Route
from tests import after_each
from tests.factories import make_merchant, make_request, make_sale, make_staff
from tests.invariants.planting import plant
from tests.passkeys import SoftKey, signed, with_passkey
from tests.refunds import hand

pytestmark = pytest.mark.django_db

_TWO = {**hand.BY_HAND_RULES, "four_eyes_above_fen": 20_000, "second_approval_hours": 4}


@dataclass
class Desk:
    """A merchant whose two deciders have passkeys."""

    merchant: Merchant
    people: list[Staff]
    keys: list[SoftKey] = field(default_factory=list)

    def approve(self, request: RefundRequest, who: int, **more: Any) -> RefundRequest:
        version = RefundRequest.objects.get(pk=request.pk).version
        act: Callable[[Principal], RefundRequest] = lambda by: deciding.approve(  # noqa: E731
            request_id=request.pk, by=by, at=timezone.now(), version=version, **more
        )
        return signed(self.people[who], self.keys[who], act)

    def reject(self, request: RefundRequest, who: int, reason: str = "no_proof") -> RefundRequest:
        act: Callable[[Principal], RefundRequest] = lambda by: deciding.reject(  # noqa: E731
            request_id=request.pk, by=by, at=timezone.now(), version=request.version, reason=reason, message=""
        )
        return signed(self.people[who], self.keys[who], act)

    def both(self, request: RefundRequest) -> RefundRequest:
        self.approve(request, 0)
        return self.approve(request, 1)


@pytest.fixture
def desk() -> Desk:
    merchant = make_merchant(rules=_TWO)
    desk = Desk(merchant, [make_staff(merchant, "manager") for _ in range(2)])
    desk.keys = [with_passkey(staff) for staff in desk.people]
    return desk


def _large(desk: Desk, fen: int = 30_000) -> RefundRequest:
    return make_request(make_sale(desk.merchant, 50_000), fen)


def test_approve_above_the_limit_is_signed_over_what_was_shown_and_is_paid(desk: Desk) -> None:
    request = _large(desk)
    assert desk.both(request).state == "approved"
    first, second = Approval.objects.select_related("signature").order_by("pk")
    assert {first.factor, second.factor} == {"webauthn"}
    assert second.signature is not None
    assert json.loads(second.signature.statement) == {
        "request": request.number,
        "version": request.version,
        "amount": 30_000,
        "payee": "",
        "route": "original",
        "policy_version": 1,
        "decision": "approve/2",
    }
    assert vouching.faults([request.pk]) == {}
    assert len(payouts.claim(limit=10, at=timezone.now())) == 1


def test_reject_above_the_limit_is_signed_with_its_reason(desk: Desk) -> None:
    request, staff = _large(desk), desk.people[0]
    reject = partial(deciding.reject, request_id=request.pk, at=timezone.now(), version=request.version, message="")
    with pytest.raises(signing.MustSign):
        signed(staff, SoftKey(), lambda by: reject(by=by, reason="no_proof"))
    # Another reason than was shown.
    with pytest.raises(signing.MustSign):
        signed(
            staff,
            desk.keys[0],
            lambda by: reject(by=by, reason="no_proof" if by.shown and by.shown.passkey else "goods_used"),
        )
    assert RefundRequest.objects.get(pk=request.pk).state == "in_review"
    assert not Approval.objects.exists()
    desk.reject(request, 0)
    row = Approval.objects.select_related("signature").get()
    assert row.signature is not None
    said = json.loads(row.signature.statement)
    assert (row.factor, said["decision"], said["reason"], said["amount"]) == ("webauthn", "reject", "no_proof", 30_000)
    assert vouching.faults([request.pk]) == {}


def test_approve_when_nothing_was_signed_or_something_else_changes_nothing(desk: Desk) -> None:
    request, other = _large(desk), _large(desk, 29_000)
    staff, key = desk.people[0], desk.keys[0]
    approve = partial(deciding.approve, request_id=request.pk, at=timezone.now(), version=request.version)
    with pytest.raises(signing.MustSign) as asked:
        signed(staff, SoftKey(), lambda by: approve(by=by))
    assert asked.value.was_wrong
    elsewhere: list[str] = []

    def steal(by: Principal) -> RefundRequest:
        elsewhere.append(by.shown.passkey if by.shown else "")
        return deciding.approve(request_id=other.pk, by=by, at=timezone.now(), version=other.version)

    signed(staff, key, steal)
    # What was signed about another refund; and another amount than was shown.
    with pytest.raises(signing.MustSign):
        signed(staff, key, lambda _by: approve(by=of_staff(staff, Shown(passkey=elsewhere[-1]))))
    with pytest.raises(signing.MustSign):
        signed(staff, key, lambda by: approve(by=by, amount_fen=1_000 if by.shown and by.shown.passkey else 30_000))
    assert not Approval.objects.filter(request=request).exists()
    assert Signature.objects.filter(object_type="refund_request").count() == 1


def test_approve_by_who_has_no_passkey_is_kept_as_what_it_was_until_passkeys_are_required() -> None:
    merchant = make_merchant(rules=_TWO)
    first, second = make_staff(merchant, "manager"), make_staff(merchant, "manager")
    request = make_request(make_sale(merchant, 50_000), 30_000)
    deciding.approve(request_id=request.pk, by=of_staff(first), at=timezone.now(), version=request.version)
    assert Approval.objects.get().factor == "session"
    Merchant.objects.filter(pk=merchant.pk).update(requires_passkeys_since=timezone.now() + timedelta(seconds=1))
    with pytest.raises(signing.PasskeyRequired):
        deciding.approve(request_id=request.pk, by=of_staff(second), at=timezone.now(), version=request.version)
    assert Approval.objects.count() == 1


def test_fresh_session_decides_what_is_small_for_five_minutes(desk: Desk) -> None:
    now, staff = timezone.now(), desk.people[0]
    request = make_request(make_sale(desk.merchant, 50_000), 1_200, reason="goodwill")
    approve = partial(deciding.approve, request_id=request.pk, at=now, version=request.version)
    with pytest.raises(signing.MustSign):
        signed(staff, SoftKey(), lambda by: approve(by=of_staff(staff, Shown("webauthn", now - timedelta(minutes=6)))))
    approve(by=of_staff(staff, Shown("webauthn", now - timedelta(minutes=4))))
    row = Approval.objects.get()
    assert (row.factor, row.signature) == ("webauthn", None)
    assert vouching.faults([request.pk]) == {}


@pytest.mark.breaks_invariants
def test_confirm_by_hand_when_the_account_was_swapped_pays_nothing(desk: Desk) -> None:
    request = _transfer(desk)
    drain()
    plant(
        "UPDATE refunds_payee SET account_last4 = '0000', account_no = :no", [], {"no": _sealed("6222020000000000000")}
    )
    fresh = RefundRequest.objects.get(pk=request.pk)
    payer = make_staff(desk.merchant, "finance")
    with pytest.raises(vouching.NotVouched):
        by_hand.confirm(
            request_id=request.pk,
            payment=Payment(reference_no="E1", paid_at=timezone.now()),
            by=of_staff(payer),
            at=timezone.now(),
            version=fresh.version,
        )
    assert RefundRequest.objects.get(pk=request.pk).state == fresh.state


# --- a superuser of the database ---------------------------------------------------------------------------------------

_N, _SEED = int(os.environ.get("FORGERIES", "40")), int(os.environ.get("SEED") or "1")
_FREE = (
    "refunds_approval.one_decision_a_version",
    "refunds_approval.refunds_approval_signature_id_key",
    "refunds_execution.one_live_execution",
    "refunds_execution.refund_no_once",
    "merchants_signature.merchants_signature_signed_key",
    "merchants_signature.merchants_signature_digest_key",
    "core_auditevent.audit_version_once",
    "refunds_refundrequest.request_approved_within_requested",
    "refunds_refundrequest.request_reserves_what_its_state_says",
)


def _sealed(account_no: str) -> str:
    return "'\\x" + seal(account_no, purpose="payee.account_no").hex() + "'"


def _transfer(desk: Desk) -> RefundRequest:
    sale = hand.sale_for(desk.merchant, Route.BANK_TRANSFER)
    request = hand.asked(Route.BANK_TRANSFER, sale=sale, amount_fen=900)
    return desk.both(request)


@dataclass
class World:
    """Two large refunds that are approved and signed, a transfer, a small one; one that nobody decided, one rejected."""

    large: RefundRequest
    other: RefundRequest
    transfer: RefundRequest
    small: RefundRequest
    waiting: RefundRequest
    refused: RefundRequest
    thief: Staff
    key: SoftKey


@pytest.fixture
def world(desk: Desk) -> World:
    large, other = desk.both(_large(desk)), desk.both(_large(desk, 25_000))
    small = make_request(make_sale(desk.merchant, 50_000), 1_200, reason="goodwill")
    desk.approve(small, 0)
    thief = make_staff(desk.merchant, "manager")
    waiting, refused = _large(desk, 28_000), desk.reject(_large(desk, 27_000), 0)
    return World(large, other, _transfer(desk), small, waiting, refused, thief, with_passkey(thief))


def _columns(table: str) -> str:
    model = {"refunds_approval": Approval, "merchants_signature": Signature, "refunds_execution": Execution}[table]
    return ", ".join(str(f.column) for f in model._meta.concrete_fields if f.column != "id")


def _copied(table: str, where: str, **changed: str) -> str:
    columns = _columns(table)
    taken = ", ".join(changed.get(name, name) for name in columns.split(", "))
    key = ("id, ", "gen_random_uuid(), ") if table == "refunds_execution" else ("", "")
    return f"INSERT INTO {table} ({key[0]}{columns}) SELECT {key[1]}{taken} FROM {table} WHERE {where} LIMIT 1; "


def _forged_statement(world: World, **changed: object) -> tuple[str, str]:
    """A signature of the thief's own passkey over a statement of their own, with everything that the database alone can hold."""
    fields = {
        "request": world.waiting.number,
        "version": world.waiting.version,
        "amount": 28_000,
        "payee": "",
        "route": "original",
        "policy_version": 1,
        "decision": "approve",
        **changed,
    }
    text = signing.Statement(fields).text  # type: ignore[arg-type]
    asked = {"publicKey": {"challenge": hashlib.sha256(text.encode()).hexdigest()}}
    return text, world.key.show(json.dumps(asked))


def _mutation(world: World, dice: random.Random) -> tuple[RefundRequest, str]:
    """Whose payout is forged, and the statements that do it."""
    victim = dice.choice([world.large, world.other, world.transfer, world.small])
    pk, other = f"'{victim.pk}'", f"'{dice.choice([world.large, world.other]).pk}'"
    if other == pk:
        other = f"'{world.other.pk if victim.pk == world.large.pk else world.large.pk}'"
    more = dice.randrange(1, 20_000)
    of, final = f"request_id = {pk}", f"request_id = {pk} AND lapses_at IS NULL"
    wait = f"'{world.waiting.pk}'"
    ready = (
        f"UPDATE refunds_refundrequest SET state = 'approved', approved_fen = 28000, decided_at = now(), step_due_at = now(), "
        f"by_rule = {dice.choice(['false', 'false', 'true'])} WHERE id = {wait}; "
        + _copied(
            "refunds_execution",
            f"request_id = '{world.large.pk}'",
            request_id=f"{wait}::uuid",
            transaction_id=f"'{world.waiting.transaction_id}'::uuid",
            amount_fen="28000",
            refund_no=f"'F{more}'",
        )
    )
    needed = dice.choice(["1", "2"])
    text, answer = _forged_statement(world)
    quoted = text.replace("'", "''")
    thief = str(world.thief.pk)
    stolen = dice.choice([thief, "staff_id"])
    insert = _copied(
        "refunds_approval",
        f"request_id = {other}",
        request_id=f"{wait}::uuid",
        staff_id=stolen,
        version=str(world.waiting.version + 1),
        amount_fen="28000",
        needed=needed,
        lapses_at="NULL",
        signature_id=dice.choice(["NULL", "signature_id"]),
        factor=dice.choice(["factor", "'session'", "''"]),
    )
    signature = _copied(
        "merchants_signature",
        "true",
        staff_id=dice.choice([thief, "staff_id"]),
        object_id=f"'{world.waiting.pk}'",
        statement=f"'{quoted}'",
        assertion=f"""'{json.dumps(json.loads(answer)["response"])}'::jsonb""",
        digest="sha256(statement::bytea)",
        signed="sha256(signature.signed)".replace("signature.", ""),
        counter=str(more),
    )
    event = (
        "INSERT INTO core_auditevent (merchant_id, at, actor_kind, actor_id, actor_name, action, object_type, object_id, "
        "from_state, to_state, version, data, mac) SELECT merchant_id, at, actor_kind, actor_id, actor_name, action, "
        f"object_type, {wait}, from_state, to_state, {world.waiting.version + 1}, "
        f"jsonb_set(data, '{{amount_fen}}', '28000'), mac FROM core_auditevent "
        f"WHERE object_id = {other} AND action = 'refund.approve' LIMIT 1; "
    )
    refused, refuser = f"'{world.refused.pk}'", f"request_id = '{world.refused.pk}'"
    # The money is set free with it, so that no sum tells.
    reject = (
        "UPDATE refunds_refundrequest SET state = 'rejected', reserved_fen = 0, reject_reason = 'no_proof', "
        f"decided_at = now(), step_due_at = NULL, version = version + 1 WHERE id = {wait}; "
        "UPDATE terminals_transaction SET reserved_fen = reserved_fen - 28000, live_refunds = live_refunds - 1 "
        f"WHERE id = '{world.waiting.transaction_id}'; "
    )
    reject_row = _copied(
        "refunds_approval",
        refuser,
        request_id=f"{wait}::uuid",
        staff_id=stolen,
        version=str(world.waiting.version + 1),
        signature_id=dice.choice(["NULL", "signature_id"]),
        factor=dice.choice(["factor", "'session'", "''"]),
    )
    reject_event = event.replace("jsonb_set(data, '{amount_fen}', '28000')", "data")
    reject_event = reject_event.replace(
        f"{other} AND action = 'refund.approve'", f"{refused} AND action = 'refund.reject'"
    )
    kinds: list[tuple[RefundRequest, str]] = [
        (world.waiting, ready + insert),
        (world.waiting, ready + insert + signature),
        (world.waiting, ready + insert + event),
        (world.waiting, ready + event + insert + insert.replace("LIMIT 1", "AND lapses_at IS NOT NULL LIMIT 1")),
        (victim, f"UPDATE refunds_approval SET amount_fen = amount_fen + {more} WHERE {of}"),
        (
            victim,
            f"UPDATE refunds_approval SET amount_fen = amount_fen + {more} WHERE {of}; "
            f"UPDATE refunds_refundrequest SET approved_fen = approved_fen + {more}, amount_fen = amount_fen + {more} "
            f"WHERE id = {pk}; UPDATE refunds_execution SET amount_fen = amount_fen + {more} WHERE {of}",
        ),
        (
            victim,
            f"UPDATE refunds_refundrequest SET approved_fen = approved_fen + {more}, amount_fen = amount_fen + {more} "
            f"WHERE id = {pk}; UPDATE refunds_execution SET amount_fen = amount_fen + {more} WHERE {of}",
        ),
        (victim, f"UPDATE refunds_approval SET staff_id = {thief} WHERE {final}"),
        (victim, f"UPDATE refunds_approval SET factor = 'totp' WHERE {final}"),
        (victim, f"UPDATE refunds_approval SET at = at - interval '{more} seconds' WHERE {final}"),
        (
            world.large,
            f"UPDATE refunds_approval SET needed = 1 WHERE request_id = '{world.large.pk}'; DELETE FROM refunds_approval "
            f"WHERE request_id = '{world.large.pk}' AND lapses_at IS NOT NULL",
        ),
        (
            victim,
            f"UPDATE refunds_execution SET transaction_id = '{world.waiting.transaction_id}' WHERE {of}; "
            f"UPDATE refunds_refundrequest SET transaction_id = '{world.waiting.transaction_id}' WHERE id = {pk}",
        ),
        (world.transfer, f"UPDATE refunds_payee SET account_no = {_sealed(f'62220212345{more:06}')}"),
        (world.transfer, "UPDATE refunds_payee SET bank_name = '招商银行'"),
        (
            world.transfer,
            "UPDATE refunds_payee SET holder_name = '\\x" + seal("李四", purpose="payee.holder_name").hex() + "'",
        ),
        (
            victim if victim != world.transfer else world.small,
            _to_account(world, victim if victim != world.transfer else world.small, more),
        ),
        # Replayed, moved, or of another key.
        (
            victim if victim != world.small else world.large,
            "UPDATE refunds_approval SET signature_id = (SELECT max(s.id) FROM merchants_signature s "
            f"WHERE s.object_id = {other}) WHERE request_id = '{(victim if victim != world.small else world.large).pk}'",
        ),
        (
            world.large,
            f"UPDATE merchants_signature SET object_id = '{world.other.pk}' WHERE object_id = '{world.large.pk}'",
        ),
        (
            world.large,
            f"UPDATE merchants_signature s SET statement = o.statement, assertion = o.assertion, signed = o.signed "
            f"FROM merchants_signature o WHERE s.object_id = '{world.large.pk}' AND o.object_id = '{world.other.pk}'",
        ),
        (
            world.large,
            f"UPDATE merchants_signature SET statement = replace(statement, '30000', '{30_000 + more}') "
            f"WHERE object_id = '{world.large.pk}'",
        ),
        (
            world.large,
            f"UPDATE merchants_signature SET staff_id = {thief}, assertion = jsonb_set(assertion, '{{signature}}', '\"AA==\"') "
            f"WHERE object_id = '{world.large.pk}'",
        ),
        (
            world.large,
            f"UPDATE merchants_signature SET factor = 'session', assertion = '{{}}' WHERE object_id = '{world.large.pk}'",
        ),
        (world.large, f"DELETE FROM merchants_signature WHERE object_id = '{world.large.pk}'"),
        (
            world.large,
            f"UPDATE mfa_authenticator SET user_id = {thief} WHERE user_id <> {thief}",
        ),
        # Rejections that nobody made, and one that somebody did.
        (world.waiting, reject),
        (world.waiting, reject + reject_row),
        (world.waiting, reject + reject_row + reject_event),
        (world.refused, f"UPDATE refunds_approval SET staff_id = {thief} WHERE {refuser}"),
        (world.refused, f"UPDATE refunds_approval SET reason = 'goods_used' WHERE {refuser}"),
        (world.refused, f"UPDATE refunds_refundrequest SET reject_reason = 'goods_used' WHERE id = {refused}"),
        (world.refused, f"DELETE FROM refunds_approval WHERE {refuser}"),
        (
            world.refused,
            f"UPDATE merchants_signature SET statement = replace(statement, 'no_proof', 'goods_used') "
            f"WHERE object_id = {refused}; UPDATE refunds_approval SET reason = 'goods_used' WHERE {refuser}",
        ),
    ]
    return dice.choice(kinds)


def _to_account(world: World, victim: RefundRequest, more: int) -> str:
    """A refund that was to go back to its card goes to an account instead."""
    return (
        f"UPDATE refunds_refundrequest SET route = 'bank_transfer' WHERE id = '{victim.pk}'; UPDATE refunds_execution "
        f"SET channel_account_id = (SELECT channel_account_id FROM refunds_execution WHERE request_id = "
        f"'{world.transfer.pk}' LIMIT 1) WHERE request_id = '{victim.pk}'; INSERT INTO refunds_payee (request_id, merchant_id, "
        "holder_name, account_no, account_last4, bank_name, recorded_by, recorded_at) SELECT "
        f"'{victim.pk}', merchant_id, holder_name, {_sealed(f'62220299999{more:06}')}, '0000', bank_name, recorded_by, now() "
        "FROM refunds_payee LIMIT 1"
    )


@pytest.fixture
def dice() -> random.Random:
    return random.Random(_SEED)


@pytest.mark.breaks_invariants
def test_forgeries_of_a_superuser_are_never_paid_and_always_found(world: World, dice: random.Random) -> None:
    assert not after_each.breaches()
    for number in range(_N):
        victim, statements = _mutation(world, dice)
        said = f"{number} of seed {_SEED}: {statements}"
        with transaction.atomic():
            plant(statements, _FREE, {})
            claimed = {row.request_id for row in payouts.claim(limit=20, at=timezone.now() + timedelta(minutes=1))}
            assert victim.pk not in claimed, said
            by_sums = victim not in (world.waiting, world.refused) and after_each.breaches()
            assert any(inspection.unvouched()) or by_sums, said
            transaction.set_rollback(True)
    claimed = {row.request_id for row in payouts.claim(limit=20, at=timezone.now() + timedelta(minutes=1))}
    assert claimed == {row.pk for row in (world.large, world.other, world.transfer, world.small)}
