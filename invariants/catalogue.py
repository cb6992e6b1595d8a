"""The invariants that are one query each. Numbers are those of the trust design."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from core.plain_text import name_key_sql
from merchants import channels
from merchants.policies.rules import CASHIER_DAY_COUNT
from refunds import states
from refunds.lifecycle import NEXT_STEP
from refunds.payouts.claiming import APPROVED_BY_ENOUGH
from terminals.orders import ORDER_DATE

#: How long past its due time a step may rest before it counts as forgotten.
GRACE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Invariant:
    """``sql`` gives one text column: what is broken. No rows: it holds.

    ``recent_sql``, where there is one, looks only at refunds with events after ``%(txid)s, %(event)s``: for what is read from the
    whole history, by the hour. By night all of it is looked at.
    """

    code: str
    meaning: str
    sql: str
    recent_sql: str = ""


_TOUCHED = """(SELECT DISTINCT object_id{cast} FROM core_auditevent
               WHERE object_type = 'refund_request' AND (txid, id) > (%({since}txid)s, %({since}event)s))"""
_REQUESTS = _TOUCHED.format(cast="::uuid", since="")
#: The same for a query of the ORM; parameters: txid and event.
TOUCHED_REQUESTS = """SELECT object_id::uuid FROM core_auditevent
                       WHERE object_type = 'refund_request' AND (txid, id) > (%s, %s)"""
_SALES = f"""(SELECT x.transaction_id FROM refunds_refundrequest x WHERE x.id IN {_REQUESTS}
             UNION ALL SELECT y.transaction_id FROM refunds_leg y WHERE y.request_id IN {_REQUESTS})"""
#: What stands in a query -> the condition that it is by the hour; {0} is what the mark is about.
_MARKS = {
    "touched": f"{{0}} IN {_REQUESTS}",
    "touched text": f"{{0}} IN {_TOUCHED.format(cast='', since='')}",
    "touched payout": f"{{0}} IN (SELECT x.id FROM refunds_execution x WHERE x.request_id IN {_REQUESTS})",
    # What is about a sale is about all refunds of it ...
    "touched sale": f"{{0}} IN {_SALES}",
    # ... what is about an order about all sales of it ...
    "touched order": "({0}.merchant_id, {0}.order_no) IN "
    f"(SELECT y.merchant_id, y.order_no FROM terminals_transaction y WHERE y.id IN {_SALES})",
    # ... and what is about a day about all that was decided on it: whatever was has an event of that day.
    "touched day": "{0}.decided_at >= %(day)s AND {0}.id IN " + _TOUCHED.format(cast="::uuid", since="day_"),
}
_MARK = re.compile(r"\[(touched[ a-z]*): (.+?)\]")


def _over_history(code: str, meaning: str, sql: str) -> Invariant:
    """``[touched: X]`` in the query stands where, by the hour, only refunds with new events count (``_MARKS``)."""

    def recent(found: re.Match[str]) -> str:
        return _MARKS[found[1]].format(found[2])

    return Invariant(code, meaning, _MARK.sub("true", sql), _MARK.sub(recent, sql.replace("%", "%%")))


_RELEASED = ", ".join(f"'{state}'" for state in states.RELEASED)
_PAID = ", ".join(f"'{state}'" for state in states.PAID)
_MOVES = ", ".join(f"('{source}', '{target}')" for source, target in sorted(set(states.allowed_moves())))
_BY_HAND = ", ".join(f"'{route}'" for route in sorted(states.BY_HAND))
_OWED = ", ".join(f"'{state}'" for state in NEXT_STEP if state not in ("executing", "unknown", "partially_refunded"))


#: Articles and pieces of request ``{0}``; NULL where it names none.
_PIECES = """(SELECT array_agg((l.sku, n.quantity)::text ORDER BY l.sku, n.quantity) FROM refunds_refundline n
               JOIN terminals_transactionline l ON l.id = n.line_id WHERE n.request_id = {0}.id)"""

#: Payments of one order, as ``refunds.intake.counters`` has them.
_ORDER = f"t.merchant_id, t.store_id, t.order_no, {ORDER_DATE.format('t')}"
_DAY = "(r.decided_at AT TIME ZONE 'Asia/Shanghai')::date"


#: Requests with their sale and the version of the policy that judged them.
_JUDGED = """refunds_refundrequest r JOIN terminals_transaction t ON t.id = r.transaction_id
              JOIN merchants_policyversion p ON p.id = r.policy_version_id"""


def _rule(name: str, default: str) -> str:
    """A limit of the policy version ``p``; left out, it is the default."""
    return f"coalesce((p.rules->>'{name}')::bigint, {default})"


_ONE = "(p.rules->>'auto_approve_limit_fen')::bigint"
#: What a route takes of one sale in version ``p``; NULL: any amount.
_ROUTE_LIMIT = """CASE WHEN p.rules->'route_rules' ? r.route THEN (p.rules->'route_rules'->r.route->>'limit_fen')::bigint
                      WHEN r.route = 'cash' THEN 100000 END"""


INVARIANTS: tuple[Invariant, ...] = (
    _over_history(
        "I1",
        "refunds not released exceed what was paid",
        # Of every payment by itself: what goes back by several has a leg for each.
        f"""SELECT t.id::text FROM terminals_transaction t JOIN
              (SELECT r.transaction_id, coalesce(r.approved_fen, r.amount_fen) AS fen FROM refunds_refundrequest r
                WHERE r.leg_count = 0 AND r.state NOT IN ({_RELEASED}) AND [touched sale: r.transaction_id]
               UNION ALL
               SELECT l.transaction_id, l.amount_fen FROM refunds_leg l JOIN refunds_refundrequest r ON r.id = l.request_id
                WHERE l.reserved_fen > 0 AND r.state NOT IN ({_RELEASED}) AND [touched sale: l.transaction_id]
              ) h ON h.transaction_id = t.id
             GROUP BY t.id HAVING sum(h.fen) > t.amount_fen""",
    ),
    Invariant(
        "I2",
        "the sale's counters differ from its requests",
        # Each side by itself first: most sales were never refunded.
        f"""SELECT coalesce(t.id, r.transaction_id)::text
              FROM (SELECT id, reserved_fen, refunded_fen, live_refunds FROM terminals_transaction
                     WHERE reserved_fen <> 0 OR refunded_fen <> 0 OR live_refunds <> 0) t
              FULL JOIN (SELECT transaction_id, sum(reserved_fen) AS reserved_fen,
                                count(*) FILTER (WHERE reserved_fen > 0) AS live_refunds,
                                sum(asked_fen) AS asked_fen, sum(refunded_fen) AS refunded_fen
                           FROM (SELECT transaction_id, reserved_fen,
                                        CASE WHEN state NOT IN ({_RELEASED})
                                             THEN coalesce(approved_fen, amount_fen) END AS asked_fen,
                                        CASE WHEN state IN ({_PAID}) THEN refunded_fen END AS refunded_fen
                                   FROM refunds_refundrequest WHERE leg_count = 0
                                 UNION ALL
                                 SELECT transaction_id, reserved_fen, reserved_fen, refunded_fen FROM refunds_leg) held
                          GROUP BY transaction_id) r ON r.transaction_id = t.id
             WHERE coalesce(t.reserved_fen, 0) <> coalesce(r.reserved_fen, 0)
                OR coalesce(t.live_refunds, 0) <> coalesce(r.live_refunds, 0)
                OR coalesce(t.reserved_fen, 0) <> coalesce(r.asked_fen, 0)
                OR coalesce(t.refunded_fen, 0) <> coalesce(r.refunded_fen, 0)""",
    ),
    Invariant(
        "I2b",
        "an article's returned pieces differ from its requests",
        f"""SELECT coalesce(l.id, q.line_id)::text
              FROM (SELECT id, reserved_quantity, reserved_fen FROM terminals_transactionline
                     WHERE reserved_quantity <> 0 OR reserved_fen <> 0) l
              FULL JOIN (SELECT rl.line_id, sum(rl.held_quantity) AS quantity, sum(rl.held_fen) AS fen
                           FROM refunds_refundline rl JOIN refunds_refundrequest r ON r.id = rl.request_id
                          WHERE r.state NOT IN ({_RELEASED}) GROUP BY rl.line_id) q ON q.line_id = l.id
             WHERE coalesce(l.reserved_quantity, 0) <> coalesce(q.quantity, 0)
                OR coalesce(l.reserved_fen, 0) <> coalesce(q.fen, 0)""",
    ),
    _over_history(
        "I2c",
        "the legs of a plan differ from their request, or from what was paid of them",
        """SELECT r.number FROM refunds_refundrequest r
             LEFT JOIN LATERAL (SELECT count(*) AS legs, sum(amount_fen) AS amount_fen, sum(reserved_fen) AS reserved_fen,
                                       sum(refunded_fen) AS refunded_fen
                                  FROM refunds_leg l WHERE l.request_id = r.id) p ON true
            WHERE [touched: r.id] AND r.leg_count > 0
              AND (p.legs <> r.leg_count OR p.reserved_fen <> r.reserved_fen OR p.refunded_fen <> r.refunded_fen
                   OR p.amount_fen < coalesce(r.approved_fen, 0))
           UNION ALL
           SELECT r.number FROM refunds_leg l JOIN refunds_refundrequest r ON r.id = l.request_id
             JOIN terminals_transaction t ON t.id = l.transaction_id
             LEFT JOIN LATERAL (SELECT sum(e.amount_fen) AS fen FROM refunds_execution e
                                 WHERE e.request_id = l.request_id AND e.sequence = l.sequence
                                   AND e.transaction_id = l.transaction_id AND e.state = 'succeeded') paid ON true
            WHERE [touched: r.id]
              AND (r.leg_count = 0 OR t.merchant_id <> r.merchant_id OR t.store_id <> r.store_id
                   OR l.refunded_fen <> coalesce(paid.fen, 0))""",
    ),
    _over_history(
        "I3",
        "an amount that is not above zero, or another merchant's sale",
        """SELECT r.number FROM refunds_refundrequest r JOIN terminals_transaction t ON t.id = r.transaction_id
            WHERE [touched: r.id]
              AND (r.amount_fen <= 0 OR r.merchant_id <> t.merchant_id OR r.store_id <> t.store_id)""",
    ),
    Invariant(
        "I4",
        "a channel's number used twice, or a leg paid, or on its way, twice",
        """SELECT min(refund_no) FROM refunds_execution WHERE state NOT IN ('failed', 'cancelled')
            GROUP BY request_id, sequence HAVING count(*) > 1
           UNION ALL
           SELECT refund_no FROM refunds_execution GROUP BY channel_account_id, refund_no HAVING count(*) > 1
           UNION ALL
           SELECT channel_refund_no FROM refunds_execution WHERE channel_refund_no <> ''
            GROUP BY channel_account_id, channel_refund_no HAVING count(*) > 1
           UNION ALL
           SELECT min(channel_refund_no) FROM refunds_execution WHERE proof_source = 'person'
            GROUP BY channel_account_id, regexp_replace(lower(normalize(channel_refund_no, NFKC)), '[\\s\\-]', '', 'g')
           HAVING count(*) > 1""",
    ),
    _over_history(
        "I5",
        "paid without stored proof of the same number and amount",
        f"""SELECT r.number FROM refunds_refundrequest r
              LEFT JOIN LATERAL (SELECT sum(amount_fen) AS paid FROM refunds_execution
                                  WHERE request_id = r.id AND state = 'succeeded' AND proof <> '' AND channel_refund_no <> '') e
                ON true
             WHERE [touched: r.id]
               AND ((r.state IN ({_PAID}, 'partially_refunded') AND e.paid IS DISTINCT FROM r.refunded_fen)
                    OR (r.state NOT IN ({_PAID}, 'partially_refunded') AND e.paid IS NOT NULL))""",
    ),
    _over_history(
        "I6",
        "ledger entries that do not balance, or a payout not booked exactly once, at the account that it left by",
        """SELECT execution_id::text || ' ' || kind FROM refunds_ledgerentry WHERE [touched payout: execution_id]
            GROUP BY execution_id, kind HAVING sum(amount_fen) <> 0
           UNION ALL
           SELECT e.refund_no FROM refunds_execution e
             LEFT JOIN LATERAL (SELECT count(*) AS entries,
                                       sum(amount_fen) FILTER (WHERE account = 'channel_clearing') AS moved_fen,
                                       count(*) FILTER (WHERE channel_account_id <> e.channel_account_id) AS elsewhere
                                  FROM refunds_ledgerentry WHERE execution_id = e.id AND kind = 'payout') b ON true
            WHERE [touched: e.request_id]
              AND ((e.state = 'succeeded') <> (b.entries > 0) OR b.entries NOT IN (0, 2)
                   OR b.elsewhere > 0
                   OR b.moved_fen IS DISTINCT FROM CASE WHEN e.state <> 'succeeded' THEN NULL WHEN e.proof_source = 'person'
                                                        THEN -coalesce(e.payer_fen, e.amount_fen) ELSE -e.amount_fen END)""",
    ),
    Invariant(
        "I7",
        "a statement that agrees with our books by name only, or a closed day with something open",
        """SELECT l.refund_no FROM reconciliation_billline l JOIN refunds_execution e ON e.id = l.execution_id
             LEFT JOIN refunds_ledgerentry b
               ON b.execution_id = e.id AND b.kind = 'payout' AND b.account = 'channel_clearing'
            WHERE l.outcome = 'matched' AND e.state = 'succeeded' AND b.amount_fen IS DISTINCT FROM -l.amount_fen
           UNION ALL
           SELECT l.refund_no FROM reconciliation_billline l
            WHERE l.outcome IN ('amount_differs', 'channel_only')
              AND NOT EXISTS (SELECT 1 FROM reconciliation_difference d WHERE d.line_id = l.id)
           UNION ALL
           SELECT 'day ' || y.date || ' of ' || a.code FROM reconciliation_reconciliationday y
             JOIN merchants_channelaccount a ON a.id = y.channel_account_id
            WHERE y.state = 'closed'
              AND (EXISTS (SELECT 1 FROM reconciliation_difference d WHERE d.day_id = y.id AND d.resolution = '')
                   OR EXISTS (SELECT 1 FROM reconciliation_billline l WHERE l.bill_id = y.bill_id AND l.outcome = 'pending'))""",
    ),
    _over_history(
        "I8",
        "audit events do not lead to the present state step by step",
        f"""SELECT r.number FROM refunds_refundrequest r JOIN LATERAL (
              SELECT count(*) AS steps, min(version) AS first, max(version) AS last,
                     bool_and(version = rank AND from_state = coalesce(previous, '')
                              AND (rank = 1 OR (from_state, to_state) IN ({_MOVES}))) AS connected,
                     (array_agg(to_state ORDER BY version DESC))[1] AS state
                FROM (SELECT version, from_state, to_state, row_number() OVER (ORDER BY version) AS rank,
                             lag(to_state) OVER (ORDER BY version) AS previous
                        FROM core_auditevent WHERE object_id = r.id::text AND version IS NOT NULL) s) e ON true
            WHERE [touched: r.id]
              AND (e.steps <> r.version OR e.last IS DISTINCT FROM r.version OR e.state IS DISTINCT FROM r.state
               OR e.connected IS NOT TRUE)""",
    ),
    Invariant(
        "I10",
        "an answer 201 without its one request, or two answers for one request",
        """SELECT i.key FROM refunds_idempotencyrecord i
             LEFT JOIN refunds_refundrequest r ON r.id::text = i.body::jsonb->>'id'
            WHERE i.body::jsonb ?| '{verdict,packed1}' AND r.id IS NULL
           UNION ALL
           SELECT i.body::jsonb->>'id' FROM refunds_idempotencyrecord i WHERE i.body::jsonb ?| '{verdict,packed1}'
            GROUP BY i.body::jsonb->>'id' HAVING count(*) > 1""",
    ),
    _over_history(
        "I12",
        "approved by who requested or corrected it, or by whom what the order came to was not",
        f"""SELECT r.number FROM refunds_refundrequest r JOIN refunds_approval a ON a.request_id = r.id
             LEFT JOIN merchants_apikey k ON k.id = r.api_key_id
            WHERE [touched: r.id] AND a.decision = 'approve' AND (a.staff_id = r.staff_id OR a.staff_id = k.created_by_id)
           UNION ALL
           SELECT a.request_id::text FROM refunds_approval a
             JOIN core_auditevent e ON e.object_id = a.request_id::text AND e.action = 'refund.resubmit'
                                   AND e.version < a.version
             LEFT JOIN merchants_apikey k ON e.actor_kind = 'api_key' AND k.id::text = e.actor_id
            WHERE [touched: a.request_id] AND a.decision = 'approve'
              AND (k.created_by_id = a.staff_id OR (e.actor_kind = 'staff' AND e.actor_id = a.staff_id::text))
           UNION ALL
           -- The tier that it was decided in, and the role of who decided: against all of the order that was approved by then.
           -- Limits that were raised since do not tell of that day, so that the highest since then counts.
           SELECT r.number FROM
             (SELECT r.id, r.number, r.merchant_id,
                     sum(r.approved_fen) OVER (PARTITION BY {_ORDER} ORDER BY r.decided_at, r.id) AS sum_fen
                FROM refunds_refundrequest r JOIN terminals_transaction t ON t.id = r.transaction_id
               WHERE [touched order: t]
                 AND r.approved_fen IS NOT NULL AND r.state NOT IN ({_RELEASED}) AND NOT r.verdict ? 'source') r
             JOIN LATERAL (SELECT * FROM refunds_approval a WHERE a.request_id = r.id AND a.decision = 'approve'
                            ORDER BY a.version DESC LIMIT 1) a ON true
             JOIN merchants_staff s ON s.id = a.staff_id
            WHERE NOT EXISTS
                  (SELECT FROM merchants_policyversion p, jsonb_array_elements(p.rules->'tiers') AS x (step)
                    WHERE p.merchant_id = r.merchant_id
                      AND (p.effective_from > a.at
                           OR p.id = (SELECT q.id FROM merchants_policyversion q
                                       WHERE q.merchant_id = r.merchant_id AND q.effective_from <= a.at
                                       ORDER BY q.effective_from DESC, q.number DESC LIMIT 1))
                      AND step->>'name' = a.tier
                      AND coalesce((step->>'limit_fen')::bigint >= r.sum_fen, true)
                      AND step->'roles' ? coalesce(nullif(a.role, ''), s.role))
           UNION ALL
            SELECT min(r.number) FROM {_JUDGED}
             WHERE [touched order: t] AND r.by_rule GROUP BY {_ORDER}
           HAVING sum(r.approved_fen) > max({_rule("auto_order_limit_fen", _ONE)})""",
    ),
    _over_history(
        "I13",
        "a payout that came to an end and has no end time, or the other way round",
        """SELECT refund_no FROM refunds_execution
            WHERE [touched: request_id] AND (state IN ('succeeded', 'failed', 'cancelled')) <> (ended_at IS NOT NULL)""",
    ),
    _over_history(
        "I14",
        "the system owes a step that has no due time, or is long overdue",
        f"""SELECT r.number FROM refunds_refundrequest r
             WHERE r.state IN ({_OWED}) AND r.state <> 'approved'
               AND r.step_due_at < now() - interval '{GRACE.total_seconds()} seconds'
            UNION ALL
            SELECT r.number FROM refunds_refundrequest r
             WHERE [touched: r.id] AND r.state IN ({_OWED}) AND r.state <> 'approved' AND r.step_due_at IS NULL
            UNION ALL
            SELECT e.refund_no FROM refunds_execution e JOIN terminals_transaction t ON t.id = e.transaction_id
             WHERE e.due_at < now() - interval '{GRACE.total_seconds()} seconds'
               -- What finance holds waits for a person.
               AND (t.held_at IS NULL OR e.state NOT IN ('ready', 'held'))
            UNION ALL
            SELECT r.number FROM refunds_refundrequest r
             WHERE [touched: r.id] AND r.state IN ('approved', 'executing', 'unknown', 'manual_pending')
               AND NOT EXISTS (SELECT 1 FROM refunds_execution e WHERE e.request_id = r.id AND e.due_at IS NOT NULL)""",
    ),
    _over_history(
        "I15",
        "a child of another merchant than its parent's",
        """SELECT e.refund_no FROM refunds_execution e JOIN refunds_refundrequest r ON r.id = e.request_id
             JOIN terminals_transaction t ON t.id = r.transaction_id
             JOIN terminals_transaction p ON p.id = e.transaction_id
             LEFT JOIN merchants_channelaccount a ON a.id = e.channel_account_id
            WHERE [touched: r.id] AND (e.merchant_id <> r.merchant_id OR a.merchant_id IS DISTINCT FROM r.merchant_id
                                       OR (r.leg_count = 0 AND e.state <> 'failed' AND e.transaction_id <> r.transaction_id)
                                       OR (p.merchant_id, p.store_id, p.order_no) <> (t.merchant_id, t.store_id, t.order_no))
           UNION ALL
           SELECT t.order_no FROM terminals_transaction t JOIN merchants_store s ON s.id = t.store_id
             LEFT JOIN terminals_terminal k ON k.id = t.terminal_id
             LEFT JOIN merchants_channelaccount a ON a.id = t.channel_account_id
            WHERE [touched sale: t.id]
              AND (s.merchant_id <> t.merchant_id OR k.store_id <> t.store_id OR a.merchant_id <> t.merchant_id)
           UNION ALL
           SELECT n.id::text FROM refunds_notification n JOIN refunds_refundrequest r ON r.id = n.request_id
            WHERE [touched: r.id] AND n.merchant_id <> r.merchant_id
           UNION ALL
           SELECT 'no wall around ' || c.relname FROM pg_class c
             JOIN pg_attribute m ON m.attrelid = c.oid AND m.attname = 'merchant_id' AND NOT m.attisdropped
            WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
              AND EXISTS (SELECT FROM pg_policies WHERE policyname = 'one_merchant')
              AND (NOT c.relrowsecurity OR NOT EXISTS (SELECT FROM pg_policy p
                                                        WHERE p.polrelid = c.oid AND p.polname = 'one_merchant'))""",
    ),
    _over_history(
        "I16",
        "a state change without its outbox row, or the other way round",
        """SELECT coalesce(e.object_id, o.request_id::text) FROM
             (SELECT object_id, version, to_state FROM core_auditevent
               WHERE object_type = 'refund_request' AND version IS NOT NULL AND [touched text: object_id]) e
             FULL JOIN (SELECT * FROM refunds_outboxmessage WHERE [touched: request_id]) o
               ON o.request_id::text = e.object_id AND o.version = e.version
            WHERE e.object_id IS NULL OR o.id IS NULL OR o.topic <> 'refund_request.' || e.to_state""",
    ),
    _over_history(
        "I17",
        "one channel event with two effects",
        """SELECT event_id FROM refunds_channelnotice GROUP BY channel_account_id, event_id HAVING count(*) > 1
           UNION ALL
           SELECT object_id FROM core_auditevent WHERE action = 'refund.succeed' AND [touched text: object_id]
            GROUP BY object_id HAVING count(*) > 1""",
    ),
    _over_history(
        "I19",
        "more approved by rule in a day than a customer, a cashier, a store or an API key may have, or in 30 than a customer",
        f"""SELECT min(r.number) FROM {_JUDGED}
              CROSS JOIN LATERAL (SELECT DISTINCT who FROM (VALUES
                (r.customer_phone_hash), (t.payer_phone_hash)) v (who) WHERE who IS NOT NULL) w
             WHERE [touched day: r] AND r.by_rule GROUP BY r.merchant_id, w.who, {_DAY}
            HAVING sum(r.approved_fen) > max({_rule("auto_customer_day_limit_fen", _ONE)})
            UNION ALL
            SELECT min(r.number) FROM {_JUDGED}
             WHERE [touched day: r] AND r.by_rule AND t.payer_phone_hash IS NULL AND t.card_last4 <> ''
             GROUP BY r.merchant_id, t.channel, t.card_last4, {_DAY}
            HAVING sum(r.approved_fen) > max({_rule("auto_customer_day_limit_fen", _ONE)})
            UNION ALL
            SELECT min(r.number) FROM {_JUDGED}
              CROSS JOIN LATERAL (SELECT DISTINCT who FROM (VALUES
                ({name_key_sql("r.cashier")}), ({name_key_sql("t.cashier")}), ('staff ' || r.staff_id)) v (who) WHERE who <> '') w
             WHERE [touched day: r] AND r.by_rule GROUP BY r.merchant_id, w.who, {_DAY}
            HAVING count(*) > max({_rule("auto_cashier_day_count", str(CASHIER_DAY_COUNT))})
                OR sum(r.approved_fen) FILTER (WHERE p.rules->>'auto_cashier_day_fen' IS NOT NULL)
                   > max((p.rules->>'auto_cashier_day_fen')::bigint)
            UNION ALL
            SELECT min(r.number) FROM refunds_refundrequest r JOIN merchants_policyversion p ON p.id = r.policy_version_id
             WHERE [touched day: r] AND r.by_rule AND p.rules->>'auto_store_day_fen' IS NOT NULL
             GROUP BY r.store_id, {_DAY} HAVING sum(r.approved_fen) > max((p.rules->>'auto_store_day_fen')::bigint)
            UNION ALL
            SELECT r.number FROM {_JUDGED}
              CROSS JOIN LATERAL (SELECT DISTINCT who FROM (VALUES
                (r.customer_phone_hash), (t.payer_phone_hash)) v (who) WHERE who IS NOT NULL) w
              CROSS JOIN LATERAL (SELECT count(*) AS count, sum(o.approved_fen) AS fen
                FROM (SELECT x.id FROM refunds_refundrequest x WHERE x.customer_phone_hash = w.who
                      UNION SELECT y.id FROM terminals_transaction z JOIN refunds_refundrequest y
                          ON y.transaction_id = z.id WHERE z.payer_phone_hash = w.who) theirs
                JOIN refunds_refundrequest o ON o.id = theirs.id
                WHERE o.merchant_id = r.merchant_id AND o.by_rule AND (o.decided_at, o.id) <= (r.decided_at, r.id)
                  AND (o.decided_at AT TIME ZONE 'Asia/Shanghai')::date > {_DAY} - 30) s
             WHERE [touched: r.id] AND r.by_rule AND p.rules ?| ARRAY['auto_customer_30_days_fen', 'auto_customer_30_days_count']
               AND (s.fen > (p.rules->>'auto_customer_30_days_fen')::bigint
                    OR s.count > (p.rules->>'auto_customer_30_days_count')::bigint)
            UNION ALL
            SELECT min(r.number) FROM refunds_refundrequest r JOIN merchants_policyversion p ON p.id = r.policy_version_id
             WHERE [touched day: r] AND r.by_rule AND r.api_key_id IS NOT NULL AND p.rules->>'auto_key_day_count' IS NOT NULL
             GROUP BY r.api_key_id, {_DAY} HAVING count(*) > max((p.rules->>'auto_key_day_count')::bigint)
            UNION ALL
            SELECT min(r.number) FROM refunds_refundrequest r JOIN merchants_policyversion p ON p.id = r.policy_version_id
             WHERE [touched day: r] AND r.by_rule AND r.api_key_id IS NOT NULL AND p.rules->>'auto_key_day_fen' IS NOT NULL
             GROUP BY r.api_key_id, {_DAY} HAVING sum(r.approved_fen) > max((p.rules->>'auto_key_day_fen')::bigint)""",
    ),
    _over_history(
        "I20",
        "WeChat Pay: more partial refunds of a sale than it takes, too close to one another, or sent after its last day",
        f"""SELECT t.order_no || ': ' || count(*) || ' refunds' FROM refunds_execution e
             JOIN merchants_channelaccount a ON a.id = e.channel_account_id AND a.channel = 'wechat'
             JOIN terminals_transaction t ON t.id = e.transaction_id
            WHERE [touched sale: t.id] AND e.sends > 0 AND e.state NOT IN ('failed', 'cancelled')
            GROUP BY t.id, a.id HAVING count(*) > {channels.profile_sql("max_partials")}
           UNION ALL
           SELECT e.refund_no || ' and ' || o.refund_no FROM refunds_execution e
             JOIN merchants_channelaccount a ON a.id = e.channel_account_id AND a.channel = 'wechat'
             JOIN refunds_execution o ON o.transaction_id = e.transaction_id AND o.id > e.id AND o.sends > 0
            WHERE [touched sale: e.transaction_id] AND e.sends > 0
              AND abs(extract(epoch FROM o.first_sent_at - e.first_sent_at)) < {channels.profile_sql("partial_spacing_s")}
           UNION ALL
           SELECT e.refund_no FROM refunds_execution e
             JOIN merchants_channelaccount a ON a.id = e.channel_account_id AND a.channel = 'wechat'
             JOIN terminals_transaction t ON t.id = e.transaction_id
            WHERE [touched sale: t.id] AND e.state NOT IN ('sending', 'failed', 'cancelled')
              AND e.first_sent_at - t.paid_at > ({channels.profile_sql("window_days")} + 1) * interval '1 day'""",
    ),
    _over_history(
        "I21",
        "paid by hand by who asked for it or approved it, proven by anything but their word, or a transfer to no account",
        f"""SELECT e.refund_no FROM refunds_execution e JOIN merchants_channelaccount a ON a.id = e.channel_account_id
             WHERE [touched: e.request_id]
               AND e.state = 'succeeded' AND (a.channel IN ({_BY_HAND})) <> (e.proof_source = 'person')
            UNION ALL
            SELECT r.number FROM core_auditevent v JOIN refunds_refundrequest r ON r.id::text = v.object_id
             WHERE [touched text: v.object_id] AND v.action IN ('refund.succeed', 'refund.pay_part') AND v.actor_kind = 'staff'
               AND EXISTS (SELECT 1 FROM refunds_execution h WHERE h.request_id = r.id AND h.proof_source = 'person')
               AND (v.actor_id = r.staff_id::text
                    OR EXISTS (SELECT 1 FROM refunds_approval p WHERE p.request_id = r.id AND p.decision = 'approve'
                                                                  AND p.staff_id::text = v.actor_id))
            UNION ALL
            SELECT r.number FROM refunds_refundrequest r
             WHERE [touched: r.id] AND r.route = 'bank_transfer'
               AND NOT EXISTS (SELECT 1 FROM refunds_payee p WHERE p.request_id = r.id)""",
    ),
    _over_history(
        "I34",
        "two refunds approved by rule that ask the same of one order, and nobody said that they are two",
        f"""SELECT b.number || ' as ' || a.number FROM refunds_refundrequest b
             JOIN terminals_transaction t ON t.id = b.transaction_id
             JOIN terminals_transaction o
               ON (o.merchant_id, o.store_id, o.order_no) = (t.merchant_id, t.store_id, t.order_no)
              AND {ORDER_DATE.format("o")} = {ORDER_DATE.format("t")}
             JOIN refunds_refundrequest a ON a.transaction_id = o.id AND a.id < b.id
            WHERE [touched: b.id] AND a.by_rule AND b.by_rule AND a.reserved_fen > 0 AND b.reserved_fen > 0
              AND a.amount_fen = b.amount_fen AND coalesce({_PIECES.format("a")} = {_PIECES.format("b")}, true)
              AND NOT EXISTS (SELECT FROM jsonb_array_elements(a.verdict->'rules' || (b.verdict->'rules')) x (rule)
                               WHERE x.rule->>'code' = 'possible_duplicate')""",
    ),
    _over_history(
        "I33",
        "a sale holds more than a route may pay back of it, or more refunds than its channel takes",
        f"""SELECT t.order_no || ': ' || q.route FROM
              (SELECT r.transaction_id, r.route, r.merchant_id, sum(r.reserved_fen) AS fen, min(r.created_at) AS since
                 FROM refunds_refundrequest r
                WHERE [touched sale: r.transaction_id] AND r.route IN ({_BY_HAND}) AND r.reserved_fen > 0
                GROUP BY r.transaction_id, r.route, r.merchant_id) q
              JOIN terminals_transaction t ON t.id = q.transaction_id
             WHERE q.fen > (SELECT CASE WHEN bool_or(limit_fen IS NULL) THEN NULL ELSE max(limit_fen) END FROM
                (SELECT {_ROUTE_LIMIT} AS limit_fen
                   FROM merchants_policyversion p CROSS JOIN (SELECT q.route) r (route)
                  WHERE p.merchant_id = q.merchant_id
                    AND (p.effective_from > q.since
                         OR p.id IN (SELECT o.policy_version_id FROM refunds_refundrequest o
                                      WHERE o.transaction_id = q.transaction_id AND o.route = q.route))) limits)
            UNION ALL
            SELECT min(t.order_no) || ': ' || count(*) || ' refunds' FROM
              (SELECT transaction_id FROM refunds_refundrequest
                WHERE [touched sale: transaction_id] AND leg_count = 0 AND route = 'original' AND reserved_fen > 0
                  AND NOT verdict ? 'source'
               UNION ALL
               SELECT transaction_id FROM refunds_leg
                WHERE [touched sale: transaction_id] AND route = 'original' AND reserved_fen > 0) r
              JOIN terminals_transaction t ON t.id = r.transaction_id
              JOIN merchants_channelaccount a ON a.id = t.channel_account_id
             GROUP BY t.id, a.id HAVING count(*) > greatest({channels.profile_sql("max_partials")}, t.live_refunds_limit)""",
    ),
    _over_history(
        "I41",
        "more pieces came back than were sold, goods that nobody awaits, or an exchange beside a refund",
        """SELECT t.order_no || ' ' || l.sku FROM refunds_goodsreturnline g
             JOIN refunds_goodsreturn b ON b.id = g.goods_return_id
             JOIN terminals_transactionline l ON l.id = g.line_id JOIN terminals_transaction t ON t.id = l.transaction_id
            WHERE b.state IN ('received', 'inspected') AND g.condition <> 'missing' AND g.disposition <> 'hand_back'
              AND l.id IN (SELECT x.line_id FROM refunds_goodsreturnline x
                             JOIN refunds_goodsreturn y ON y.id = x.goods_return_id WHERE [touched: y.request_id])
            GROUP BY l.id, t.order_no HAVING sum(g.quantity) > l.quantity
           UNION ALL
           SELECT r.number FROM refunds_refundrequest r WHERE [touched: r.id] AND r.state = 'waiting_goods'
              AND NOT EXISTS (SELECT 1 FROM refunds_goodsreturn b
                               WHERE b.request_id = r.id AND b.state IN ('awaited', 'on_its_way', 'received'))
           UNION ALL
           SELECT r.number FROM refunds_exchangeoffer o JOIN refunds_refundrequest r ON r.id = o.request_id
            WHERE [touched: r.id] AND o.answer = 'accepted' AND r.state <> 'cancelled'""",
    ),
    _over_history(
        "I40",
        "sent to a channel or handed to a person without as many approvals as its amount and routes need",
        f"""SELECT r.number FROM refunds_refundrequest r
             WHERE [touched: r.id] AND NOT {APPROVED_BY_ENOUGH}
               AND EXISTS (SELECT 1 FROM refunds_execution e WHERE e.request_id = r.id AND e.sends > 0)
               AND r.state <> 'in_review' AND r.approved_fen IS NOT NULL
               -- What the channel proved by itself nobody approved.
               AND NOT EXISTS (SELECT 1 FROM core_auditevent v
                                WHERE v.object_id = r.id::text AND v.action = 'refund.prove_paid')
            UNION ALL
            -- By the laxest policy of its day and since: limits that were raised later do not tell of that day.
            SELECT r.number FROM refunds_refundrequest r JOIN refunds_approval a ON a.request_id = r.id
             WHERE [touched: r.id] AND a.decision = 'approve' AND a.lapses_at IS NULL AND a.needed < 2
               AND (SELECT bool_and((p.rules->>'four_eyes_above_fen') IS NOT NULL
                                    AND (a.amount_fen > (p.rules->>'four_eyes_above_fen')::bigint
                                         OR (r.leg_count = 0 AND r.route IN ('cash', 'bank_transfer')
                                             AND a.version = (SELECT max(l.version) FROM refunds_approval l
                                                               WHERE l.request_id = r.id))))
                      FROM merchants_policyversion p
                     WHERE p.merchant_id = r.merchant_id
                       AND (p.effective_from > a.at
                            OR p.id = (SELECT q.id FROM merchants_policyversion q
                                        WHERE q.merchant_id = r.merchant_id AND q.effective_from <= a.at
                                        ORDER BY q.effective_from DESC, q.number DESC LIMIT 1)))""",
    ),
)
