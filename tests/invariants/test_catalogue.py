"""No check is blind: every invariant finds the breach that is planted for it, and nothing where all is well."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from invariants import inspection
from invariants.catalogue import INVARIANTS
from tests import after_each
from tests.factories import make_merchant, make_request, make_sale, seal_events
from tests.invariants.planting import plant

pytestmark = [pytest.mark.django_db, pytest.mark.breaks_invariants]

_LEG = (
    "INSERT INTO refunds_leg (request_id, sequence, transaction_id, route, amount_fen, reserved_fen, refunded_fen, why)"
)
#: Goods of the paid refund, received.
_RETURN = (
    "INSERT INTO refunds_goodsreturn (request_id, store_id, state, way, by_policy, asked_by, asked_at, carrier, parcel_no, "
    "received_by, received_at, inspected_by, finding) SELECT id, store_id, 'received', 'in_store', false, '', now(), '', '', "
    "'x', now(), '', '' FROM refunds_refundrequest WHERE id = :paid"
)

#: What is planted: statements run with triggers and foreign keys silenced. ``drop`` names constraints in the way.
#: The rows: a paid refund (:paid), one that is approved (:approved), one that failed (:failed), one in review (:review),
#: all of one sale (:sale); another merchant (:other) with a sale of its own, and a member of staff (:staff).
_PLANTS: list[tuple[str, str, Sequence[str], str]] = [
    (
        "I1",
        "the sale shrinks",
        ["terminals_transaction.transaction_never_over_refunded"],
        "UPDATE terminals_transaction SET amount_fen = 1 WHERE id = :sale",
    ),
    (
        "I2",
        "reserved too little",
        [],
        "UPDATE terminals_transaction SET reserved_fen = reserved_fen - 1 WHERE id = :sale",
    ),
    ("I2", "refunded too little", [], "UPDATE terminals_transaction SET refunded_fen = 0 WHERE id = :sale"),
    (
        "I2",
        "a request vanishes",
        [],
        "DELETE FROM refunds_refundrequest WHERE id = :approved",
    ),
    (
        "I1",
        "a leg above its payment",
        [],
        "UPDATE refunds_refundrequest SET leg_count = 1 WHERE id = :approved; "
        f"{_LEG} SELECT :approved, 1, :sale, 'original', 900000, 900000, 0, 'only_payment'",
    ),
    (
        "I2",
        "a leg that holds less than its payment says",
        [],
        "UPDATE refunds_refundrequest SET leg_count = 1 WHERE id = :approved; "
        f"{_LEG} SELECT :approved, 1, :sale, 'original', amount_fen - 1, amount_fen - 1, 0, 'only_payment' "
        "FROM refunds_refundrequest WHERE id = :approved",
    ),
    (
        "I2",
        "a leg paid that its payment knows nothing of",
        [],
        "UPDATE refunds_refundrequest SET leg_count = 1 WHERE id = :approved; "
        f"{_LEG} SELECT :approved, 1, :sale, 'original', amount_fen, amount_fen, amount_fen, 'only_payment' "
        "FROM refunds_refundrequest WHERE id = :approved",
    ),
    (
        "I4",
        "a leg on its way twice",
        ["refunds_execution.one_live_execution"],
        "UPDATE refunds_execution SET request_id = :paid WHERE request_id = :approved",
    ),
    (
        "I6",
        "a payout booked at another account than it left by",
        [],
        "UPDATE refunds_ledgerentry SET channel_account_id = channel_account_id + 1000",
    ),
    ("I2b", "a piece too many", [], "UPDATE terminals_transactionline SET reserved_quantity = 1"),
    (
        "I2c",
        "a leg that its request knows nothing of",
        [],
        "INSERT INTO refunds_leg (request_id, sequence, transaction_id, route, amount_fen, reserved_fen, refunded_fen, why) "
        "VALUES (:approved, 1, :sale, 'original', 1, 0, 0, 'only_payment')",
    ),
    ("I2c", "legs that are gone", [], "UPDATE refunds_refundrequest SET leg_count = 2 WHERE id = :approved"),
    (
        "I3",
        "an amount of nothing",
        [
            "refunds_refundrequest.request_amount_positive",
            "refunds_refundrequest.request_approved_within_requested",
            "refunds_refundrequest.request_reserves_what_its_state_says",
        ],
        "UPDATE refunds_refundrequest SET amount_fen = 0 WHERE id = :review",
    ),
    ("I3", "another merchant's", [], "UPDATE refunds_refundrequest SET merchant_id = :other WHERE id = :review"),
    (
        "I4",
        "our number twice",
        ["refunds_execution.refund_no_once"],
        "UPDATE refunds_execution SET refund_no = 'X'",
    ),
    (
        "I4",
        "the channel's number twice",
        ["refunds_execution.channel_refund_no_once"],
        "UPDATE refunds_execution SET channel_refund_no = '50'",
    ),
    (
        "I5",
        "no proof",
        ["refunds_execution.execution_success_has_proof"],
        "UPDATE refunds_execution SET proof = '' WHERE request_id = :paid",
    ),
    ("I5", "another amount", [], "UPDATE refunds_execution SET amount_fen = 5 WHERE request_id = :paid"),
    (
        "I5",
        "proof without payment",
        ["refunds_execution.execution_open_has_due_time"],
        "UPDATE refunds_execution SET state = 'succeeded', proof = '-', channel_refund_no = '1', succeeded_at = now() "
        "WHERE request_id = :approved",
    ),
    ("I8", "a step too many", [], "UPDATE refunds_refundrequest SET version = version + 1 WHERE id = :paid"),
    ("I8", "a step vanished", [], "DELETE FROM core_auditevent WHERE object_id = :paid AND version = 2"),
    (
        "I8",
        "another end",
        [],
        "UPDATE core_auditevent SET to_state = 'closed' WHERE object_id = :paid AND version = 5",
    ),
    (
        "I8",
        "a forbidden edge",
        [],
        "UPDATE core_auditevent SET to_state = 'closed' WHERE object_id = :paid AND version = 3; "
        "UPDATE core_auditevent SET from_state = 'closed' WHERE object_id = :paid AND version = 4",
    ),
    (
        "I10",
        "an answer without its request",
        [],
        "INSERT INTO refunds_idempotencyrecord (principal, key, fingerprint, status, body, created_at) VALUES "
        """('p', 'k', '\\x00', 201, '{"verdict":{},"id":"0"}', now())""",
    ),
    (
        "I10",
        "two answers for one",
        [],
        "INSERT INTO refunds_idempotencyrecord (principal, key, fingerprint, status, body, created_at) "
        """SELECT 'p', 'k' || n, '\\x00', 201, '{"packed1":"","id":"' || :paid || '"}', now() FROM generate_series(1, 2) n""",
    ),
    (
        "I12",
        "approved by its requester",
        [],
        "UPDATE refunds_refundrequest SET staff_id = :staff WHERE id = :paid; "
        "INSERT INTO refunds_approval (request_id, staff_id, decision, tier, reason, note, version, at) "
        "VALUES (:paid, :staff, 'approve', 't', '', '', 4, now())",
    ),
    (
        "I12",
        "approved by who corrected it",
        [],
        "INSERT INTO core_auditevent (merchant_id, at, actor_kind, actor_id, actor_name, action, object_type, object_id, "
        "from_state, to_state, version, data) VALUES (1, now(), 'staff', :staff::text, '', 'refund.resubmit', "
        "'refund_request', :paid, '', '', 0, '{}'); "
        "INSERT INTO refunds_approval (request_id, staff_id, decision, tier, reason, note, version, at) "
        "VALUES (:paid, :staff, 'approve', 't', '', '', 4, now())",
    ),
    (
        "I12",
        "more of an order by rule than its limit",
        [],
        "UPDATE refunds_refundrequest SET state = 'approved', by_rule = true, approved_fen = 25000, decided_at = now() "
        "WHERE id = :review",
    ),
    (
        "I12",
        "a tier for the last of an order alone",
        [],
        "UPDATE merchants_policyversion SET rules = jsonb_set(rules, '{tiers,0,limit_fen}', '26000'); "
        "UPDATE refunds_refundrequest SET state = 'approved', approved_fen = 25000, decided_at = clock_timestamp() "
        "WHERE id = :review; "
        "INSERT INTO refunds_approval (request_id, staff_id, decision, tier, reason, note, version, at) "
        "VALUES (:review, :staff, 'approve', 'manager', '', '', 4, now())",
    ),
    (
        "I12",
        "a tier that was not the decider's",
        [],
        "UPDATE merchants_policyversion SET rules = jsonb_set(rules, '{tiers,0,limit_fen}', '26000'); "
        "UPDATE refunds_refundrequest SET state = 'approved', approved_fen = 25000, decided_at = now() WHERE id = :review; "
        "INSERT INTO refunds_approval (request_id, staff_id, decision, tier, role, reason, note, version, at) "
        "VALUES (:review, :staff, 'approve', 'head_office', 'reviewer', '', '', 4, now())",
    ),
    (
        "I19",
        "a customer's day",
        [],
        r"UPDATE terminals_transaction SET payer_phone_hash = '\x00'; "
        "UPDATE merchants_policyversion SET rules = rules || '{\"auto_customer_day_limit_fen\": 3500}'",
    ),
    (
        "I19",
        "a cards day",
        [],
        "UPDATE terminals_transaction SET card_last4 = '6021'; "
        "UPDATE merchants_policyversion SET rules = rules || '{\"auto_customer_day_limit_fen\": 3500}'",
    ),
    (
        "I19",
        "a cashiers day",
        [],
        "UPDATE refunds_refundrequest SET cashier = 'c001 '; "
        "UPDATE merchants_policyversion SET rules = rules || '{\"auto_cashier_day_count\": 2}'",
    ),
    (
        "I19",
        "a cashiers day behind marks that nobody sees",
        [],
        "UPDATE refunds_refundrequest SET cashier = CASE WHEN id = :paid THEN E'\\u202dc001\\u202c' ELSE E' C\\u200b001' END; "
        "UPDATE merchants_policyversion SET rules = rules || '{\"auto_cashier_day_count\": 2}'",
    ),
    (
        "I19",
        "a cashiers money",
        [],
        "UPDATE refunds_refundrequest SET cashier = 'c001'; "
        "UPDATE merchants_policyversion SET rules = rules || '{\"auto_cashier_day_fen\": 3500}'",
    ),
    (
        "I19",
        "a stores day",
        [],
        "UPDATE merchants_policyversion SET rules = rules || '{\"auto_store_day_fen\": 3500}'",
    ),
    (
        "I19",
        "a customers 30 days",
        [],
        r"UPDATE terminals_transaction SET payer_phone_hash = '\x00'; "
        "UPDATE refunds_refundrequest SET decided_at = decided_at - interval '29 days' WHERE id = :paid; "
        "UPDATE merchants_policyversion SET rules = rules || '{\"auto_customer_30_days_fen\": 3500}'",
    ),
    (
        "I19",
        "a customers count of 30 days",
        [],
        r"UPDATE terminals_transaction SET payer_phone_hash = '\x00'; "
        "UPDATE merchants_policyversion SET rules = rules || '{\"auto_customer_30_days_count\": 2}'",
    ),
    (
        "I19",
        "a keys count",
        [],
        "UPDATE refunds_refundrequest SET api_key_id = 1; "
        "UPDATE merchants_policyversion SET rules = rules || '{\"auto_key_day_count\": 2}'",
    ),
    (
        "I19",
        "a keys sum",
        [],
        "UPDATE refunds_refundrequest SET api_key_id = 1; "
        "UPDATE merchants_policyversion SET rules = rules || '{\"auto_key_day_fen\": 3500}'",
    ),
    (
        "I34",
        "the same of one order twice by rule",
        ["terminals_transaction.transaction_never_over_refunded"],
        "UPDATE refunds_refundrequest SET by_rule = true, reserved_fen = amount_fen WHERE id = :paid; "
        "UPDATE refunds_refundrequest r SET by_rule = true, amount_fen = p.amount_fen, approved_fen = p.amount_fen, "
        "reserved_fen = p.amount_fen, verdict = jsonb_set(r.verdict, '{rules}', '[]') "
        "FROM refunds_refundrequest p WHERE p.id = :paid AND r.id = :approved",
    ),
    (
        "I33",
        "more cash than the limit",
        [],
        'UPDATE merchants_policyversion SET rules = rules || \'{"route_rules": {"cash": {"fundings": [], "limit_fen": 3500}}}\'; '
        "UPDATE refunds_refundrequest SET route = 'cash' WHERE id IN (:paid, :approved)",
    ),
    (
        "I33",
        "more refunds than the channel takes",
        [],
        "UPDATE terminals_transaction SET live_refunds_limit = NULL; "
        "UPDATE merchants_channelaccount SET profile_overrides = profile_overrides || '{\"max_partials\": 2}'",
    ),
    (
        "I2",
        "a refund too many",
        [],
        "UPDATE terminals_transaction SET live_refunds = live_refunds + 1 WHERE id = :sale",
    ),
    (
        "I4",
        "one slip for two payouts",
        ["refunds_execution.channel_refund_no_once"],
        "UPDATE refunds_execution SET proof_source = 'person', channel_refund_no = "
        "CASE WHEN request_id = :paid THEN 'E-123' ELSE ' e123 ' END WHERE request_id IN (:paid, :approved)",
    ),
    (
        "I13",
        "an end without its time",
        ["refunds_execution.execution_open_has_due_time"],
        "UPDATE refunds_execution SET ended_at = NULL WHERE request_id = :paid",
    ),
    (
        "I14",
        "nothing is due",
        [],
        "UPDATE refunds_refundrequest SET step_due_at = NULL WHERE id = :paid",
    ),
    (
        "I14",
        "a step forgotten",
        [],
        "UPDATE refunds_refundrequest SET step_due_at = now() - interval '6 minutes' WHERE id = :paid",
    ),
    (
        "I14",
        "a payout forgotten",
        [],
        "UPDATE refunds_execution SET due_at = now() - interval '6 minutes' WHERE request_id = :approved",
    ),
    ("I14", "no payout", [], "DELETE FROM refunds_execution WHERE request_id = :approved"),
    ("I15", "another's payout", [], "UPDATE refunds_execution SET merchant_id = :other WHERE request_id = :paid"),
    ("I15", "a wall torn down", [], "DROP POLICY one_merchant ON refunds_refundrequest"),
    (
        "I15",
        "a wall without effect",
        [],
        "DROP TABLE IF EXISTS nothing; ALTER TABLE refunds_payee DISABLE ROW LEVEL SECURITY",
    ),
    ("I15", "another's store", [], "UPDATE terminals_transaction SET merchant_id = :other WHERE id = :sale"),
    (
        "I15",
        "another's message",
        [],
        "INSERT INTO refunds_notification (merchant_id, request_id, event, version, medium, locale, recipient, "
        "masked_recipient, state, attempts, created_at, receipt, last_error) "
        "VALUES (:other, :paid, 'refunded', 5, 'sms', 'en', '', '', 'sent', 1, now(), '', '')",
    ),
    (
        "I20",
        "sent within the minute",
        [],
        "UPDATE merchants_channelaccount SET profile_overrides = profile_overrides - 'partial_spacing_s'; "
        "UPDATE refunds_execution SET sends = 1, first_sent_at = now() WHERE request_id IN (:paid, :approved)",
    ),
    (
        "I20",
        "sent after its last day",
        [],
        "UPDATE refunds_execution SET sends = 1, first_sent_at = "
        "(SELECT paid_at FROM terminals_transaction WHERE id = :sale) + interval '367 days' WHERE request_id = :paid",
    ),
    (
        "I20",
        "one refund more than the account allows",
        [],
        "UPDATE merchants_channelaccount SET profile_overrides = profile_overrides || '{\"max_partials\": 1}'; "
        "UPDATE refunds_execution SET sends = 1, first_sent_at = "
        "now() - CASE WHEN request_id = :paid THEN interval '5 minutes' ELSE interval '0' END "
        "WHERE request_id IN (:paid, :approved)",
    ),
    ("I16", "nobody is told", [], "DELETE FROM refunds_outboxmessage WHERE request_id = :paid AND version = 5"),
    (
        "I16",
        "told what never happened",
        [],
        "UPDATE refunds_outboxmessage SET version = 99 WHERE request_id = :paid AND version = 5",
    ),
    (
        "I16",
        "told something else",
        [],
        "UPDATE refunds_outboxmessage SET topic = 'refund_request.failed' WHERE request_id = :paid AND version = 5",
    ),
    (
        "I17",
        "a notice twice",
        ["refunds_channelnotice.notice_once"],
        "INSERT INTO refunds_channelnotice (channel_account_id, event_id, refund_no, outcome, received_at, effect) "
        "SELECT (SELECT max(id) FROM merchants_channelaccount), 'e', 'n', '{}', now(), '' FROM generate_series(1, 2)",
    ),
    (
        "I17",
        "paid twice",
        [],
        "INSERT INTO core_auditevent (merchant_id, at, actor_kind, actor_id, actor_name, action, object_type, object_id, "
        "from_state, to_state, data) SELECT merchant_id, at, actor_kind, actor_id, actor_name, action, object_type, "
        "object_id, from_state, to_state, data FROM core_auditevent WHERE object_id = :paid AND action = 'refund.succeed'",
    ),
    (
        "I21",
        "a channel's proof of what a person pays",
        [],
        "UPDATE merchants_channelaccount SET channel = 'cash' WHERE id IN "
        "(SELECT channel_account_id FROM refunds_execution WHERE request_id = :paid)",
    ),
    (
        "I21",
        "paid by who asked for it",
        [],
        "WITH said AS (UPDATE core_auditevent SET actor_kind = 'staff', actor_id = :staff::text "
        "WHERE action = 'refund.succeed'), by_hand AS (UPDATE merchants_channelaccount SET channel = 'cash' WHERE id IN "
        "(SELECT channel_account_id FROM refunds_execution WHERE request_id = :paid)), proven AS (UPDATE "
        "refunds_execution SET proof_source = 'person' WHERE request_id = :paid) "
        "UPDATE refunds_refundrequest SET staff_id = :staff WHERE id = :paid",
    ),
    (
        "I21",
        "a transfer to no account",
        [],
        "UPDATE refunds_refundrequest SET route = 'bank_transfer' WHERE id = :review",
    ),
    (
        "I40",
        "sent with nobody's approval",
        [],
        "UPDATE refunds_refundrequest SET by_rule = false WHERE id = :paid",
    ),
    (
        "I40",
        "sent with the second of two approvals alone",
        [],
        "UPDATE refunds_refundrequest SET by_rule = false WHERE id = :paid; "
        "INSERT INTO refunds_approval (request_id, staff_id, decision, tier, amount_fen, reason, note, version, at, needed) "
        "SELECT id, :staff, 'approve', tier, approved_fen, '', '', 3, decided_at, 2 FROM refunds_refundrequest WHERE id = :paid",
    ),
    (
        "I40",
        "both approvals by one person",
        [],
        "UPDATE refunds_refundrequest SET by_rule = false WHERE id = :paid; "
        "INSERT INTO refunds_approval (request_id, staff_id, decision, tier, amount_fen, reason, note, version, at, needed, "
        "lapses_at) SELECT id, :staff, 'approve', tier, approved_fen, '', '', v, decided_at, 2, "
        "CASE v WHEN 2 THEN decided_at + interval '1 day' END FROM refunds_refundrequest, (VALUES (2), (3)) AS x (v) "
        "WHERE id = :paid",
    ),
    (
        "I40",
        "approved by one where the policy wants two",
        [],
        "UPDATE merchants_policyversion SET rules = rules || '{\"four_eyes_above_fen\": 100}'; "
        "INSERT INTO refunds_approval (request_id, staff_id, decision, tier, amount_fen, reason, note, version, at) "
        "SELECT id, :staff, 'approve', tier, approved_fen, '', '', 3, decided_at FROM refunds_refundrequest WHERE id = :paid",
    ),
    (
        "I41",
        "more pieces back than were sold",
        [],
        f"{_RETURN}; INSERT INTO refunds_goodsreturnline (goods_return_id, line_id, quantity, condition, disposition) "
        "SELECT b.id, l.id, l.quantity + 1, '', '' FROM refunds_goodsreturn b, refunds_refundrequest r "
        "JOIN terminals_transactionline l ON l.transaction_id = r.transaction_id WHERE r.id = :paid",
    ),
    (
        "I41",
        "waits for goods that nobody awaits",
        [],
        "UPDATE refunds_refundrequest SET state = 'waiting_goods' WHERE id = :review",
    ),
    (
        "I41",
        "exchanged and refunded",
        [],
        "INSERT INTO refunds_exchangeoffer (request_id, kind, message, offered_by, offered_at, answer, answered_by, "
        "answered_at, new_order_no) VALUES (:paid, 'exchange', '', 'x', now(), 'accepted', 'x', now(), '')",
    ),
]

#: Only what is committed is sealed into the chain: these need rows that are.
_PLANTS_IN_THE_CHAIN: list[tuple[str, str, Sequence[str], str]] = [
    (
        "I9",
        "a changed event",
        [],
        "UPDATE core_auditevent SET actor_name = 'x' WHERE object_id = :paid AND version = 3",
    ),
    ("I9", "changed data", [], "UPDATE core_auditevent SET data = '{}' WHERE object_id = :paid AND version = 1"),
    (
        "I9",
        "a link cut out",
        [],
        "DELETE FROM core_auditlink WHERE event_id IN "
        "(SELECT id FROM core_auditevent WHERE object_id = :paid AND version = 2)",
    ),
    (
        "I9",
        "a forged hash",
        [],
        r"UPDATE core_auditlink SET hash = decode(repeat('00', 32), 'hex') WHERE seq = 2",
    ),
    ("I9", "rows may be changed", [], "DROP TRIGGER core_auditevent_append_only ON core_auditevent"),
    (
        "I9",
        "the table may be emptied",
        [],
        "DROP TRIGGER core_auditevent_no_truncate ON core_auditevent; "
        "DROP TRIGGER core_auditlink_no_truncate ON core_auditlink",
    ),
    ("I9", "the ledger may be emptied", [], "DROP TRIGGER refunds_ledgerentry_no_truncate ON refunds_ledgerentry"),
    ("I9", "triggers sleep", [], "ALTER TABLE merchants_policyversion DISABLE TRIGGER USER"),
    (
        "I9",
        "the application may change decisions",
        [],
        "DROP TRIGGER refunds_approval_append_only ON refunds_approval; GRANT UPDATE ON refunds_approval TO refunddesk",
    ),
]


@pytest.mark.parametrize(("code", "_name", "drop", "statements"), _PLANTS, ids=[f"{p[0]} {p[1]}" for p in _PLANTS])
def test_planted_breach_is_found(
    code: str, _name: str, drop: Sequence[str], statements: str, rows: dict[str, str]
) -> None:
    plant(statements, drop, rows)
    assert code in {breach.code for breach in after_each.breaches()}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("_code", "_name", "drop", "statements"), _PLANTS_IN_THE_CHAIN, ids=[plant[1] for plant in _PLANTS_IN_THE_CHAIN]
)
def test_hand_on_the_audit_trail_is_found(
    _code: str, _name: str, drop: Sequence[str], statements: str, rows: dict[str, str]
) -> None:
    """A database administrator may silence triggers; the verifier finds what was done."""
    seal_events()
    with transaction.atomic():
        plant(statements, drop, rows)
        assert "I9" in {breach.code for breach in after_each.breaches()}
        transaction.set_rollback(True)


def test_every_invariant_has_a_breach_planted_for_it() -> None:
    checked = {invariant.code for invariant in INVARIANTS} | {"I9"}
    # Those of the ledger and the statements are planted in tests/reconciliation.
    assert {plant[0] for plant in _PLANTS + _PLANTS_IN_THE_CHAIN} == checked - {"I7"}


def test_age_of_sound_rows_is_no_breach() -> None:
    """Requests that wait for people may wait for ever."""
    long_ago = timezone.now() - timedelta(days=3)
    make_request(make_sale(make_merchant(), 50_000), 30_000, at=long_ago)
    assert after_each.breaches() == inspection.check() == []
