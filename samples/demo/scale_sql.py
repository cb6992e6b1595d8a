"""The statements that make a year of history out of numbers: what ``samples.demo.scale`` runs, a chunk of sales at a time.

Nothing here is left to chance: every choice is a dice throw that the seed and the row's number decide. Times are carried as
microseconds since 1970, so that ids (UUIDs of version 7) can be made of them.
"""

from __future__ import annotations

#: Functions and tables of this session alone.
PREPARE = """
CREATE FUNCTION pg_temp.dice(n bigint, salt bigint, sides bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS
  'SELECT mod(hashint8extended(n, {seed} + salt) & 9223372036854775807, sides)';
CREATE FUNCTION pg_temp.at(us bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS
  $$SELECT timestamptz '1970-01-01 00:00:00+00' + us * interval '1 microsecond'$$;
CREATE FUNCTION pg_temp.id7(us bigint, n bigint, salt bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
  $$SELECT (lpad(to_hex(us / 1000), 12, '0') || '7' || lpad(to_hex(pg_temp.dice(n, salt, 4096)), 3, '0') || '8'
            || lpad(to_hex(pg_temp.dice(n, salt + 1, 1152921504606846976)), 15, '0'))::uuid$$;
CREATE FUNCTION pg_temp.one_of(texts text[], n bigint, salt bigint) RETURNS text LANGUAGE sql IMMUTABLE AS
  'SELECT texts[1 + pg_temp.dice(n, salt, cardinality(texts))]';

CREATE TEMP TABLE scale_phone (n bigint PRIMARY KEY, hash bytea, last4_hash bytea, masked text, on_sale bytea, on_request bytea,
                               on_message bytea);
CREATE TEMP TABLE scale_till (n bigint PRIMARY KEY, store_id bigint, terminal_id bigint, cashier text);
CREATE TEMP TABLE scale_account (n bigint PRIMARY KEY, channel text, account_id bigint);

-- What a refund goes through, by the way it takes. ``moment`` is the place of its time in ``scale_request.moments``.
CREATE TEMP TABLE scale_step (way text, version int, action text, from_state text, to_state text, actor text, moment int);
INSERT INTO scale_step
SELECT way, version, 'refund.' || action, from_state, to_state, actor, moment FROM (VALUES
  ('rule', 1, 'submit', '', 'submitted', 'key', 1), ('rule', 2, 'verify', 'submitted', 'verifying', 'policy', 1),
  ('rule', 3, 'approve_by_rule', 'verifying', 'approved', 'policy', 1),
  ('rule', 4, 'start_execution', 'approved', 'executing', 'system', 3),
  ('rule', 5, 'succeed', 'executing', 'refunded', 'channel', 4),
  ('rule', 6, 'begin_follow_up', 'refunded', 'follow_up', 'system', 5), ('rule', 7, 'close', 'follow_up', 'closed', 'system', 6),
  ('desk', 1, 'submit', '', 'submitted', 'key', 1), ('desk', 2, 'verify', 'submitted', 'verifying', 'policy', 1),
  ('desk', 3, 'ask_review', 'verifying', 'in_review', 'policy', 1),
  ('desk', 4, 'approve', 'in_review', 'approved', 'staff', 2),
  ('desk', 5, 'start_execution', 'approved', 'executing', 'system', 3),
  ('desk', 6, 'succeed', 'executing', 'refunded', 'channel', 4),
  ('desk', 7, 'begin_follow_up', 'refunded', 'follow_up', 'system', 5), ('desk', 8, 'close', 'follow_up', 'closed', 'system', 6)
) step (way, version, action, from_state, to_state, actor, moment);
INSERT INTO scale_step
SELECT other.way, s.version, s.action, s.from_state, s.to_state, s.actor, s.moment
  FROM scale_step s CROSS JOIN (VALUES ('rejected'), ('cancelled'), ('info')) other (way)
 WHERE s.way = 'desk' AND s.version <= 3;
INSERT INTO scale_step
SELECT 'failed', s.version, s.action, s.from_state, s.to_state, s.actor, s.moment FROM scale_step s
 WHERE s.way = 'rule' AND s.version <= 4;
INSERT INTO scale_step VALUES
  ('rejected', 4, 'refund.reject', 'in_review', 'rejected', 'staff', 2),
  ('cancelled', 4, 'refund.cancel', 'in_review', 'cancelled', 'customer', 2),
  ('info', 4, 'refund.request_info', 'in_review', 'needs_info', 'staff', 2),
  ('failed', 5, 'refund.fail', 'executing', 'failed', 'channel', 4);
ANALYZE scale_step;
"""

#: Sales ``first`` to ``last`` of ``sales`` in all, spread evenly from ``start_us`` on, ``step_us`` apart.
PLAN_SALES = """
CREATE TEMP TABLE scale_sale AS
SELECT s.n, pg_temp.id7(s.us, s.n, 10) AS id, s.us, pg_temp.at(s.us) AS paid_at, t.store_id, t.terminal_id, t.cashier,
       a.channel, a.account_id, 600 + floor(100 * power(3000, pg_temp.dice(s.n, 4, 10000) / 10000.0))::bigint AS amount_fen,
       CASE WHEN pg_temp.dice(s.n, 5, 10) < 6 THEN pg_temp.dice(s.n, 6, %(phones)s) END AS phone,
       CASE WHEN pg_temp.dice(s.n, 7, 10) < 3 THEN lpad(pg_temp.dice(s.n, 8, 10000)::text, 4, '0') ELSE '' END AS card,
       s.n * %(requests)s / %(sales)s AS k, s.n * %(requests)s / %(sales)s > (s.n - 1) * %(requests)s / %(sales)s AS is_asked
  FROM (SELECT n, %(start_us)s + n * %(step_us)s + pg_temp.dice(n, 1, 999999) + 1 AS us
          FROM generate_series(%(first)s::bigint, %(last)s::bigint) n) s
  JOIN scale_till t ON t.n = pg_temp.dice(s.n, 2, %(tills)s)
  JOIN scale_account a ON a.n = CASE WHEN pg_temp.dice(s.n, 3, 10) < 6 THEN 0 WHEN pg_temp.dice(s.n, 3, 10) < 9 THEN 1 ELSE 2 END
"""

#: Their refunds: the way each takes, how far it has come by ``now_us``, and when. The last ``open`` are in people's hands.
PLAN_REQUESTS = """
CREATE TEMP TABLE scale_request AS
SELECT r.*,
       'RF-' || to_char(pg_temp.at(r.us) AT TIME ZONE 'Asia/Shanghai', 'YYMMDD') || '-'
            || lpad((%(base)s + r.k)::text, greatest(4, length((%(base)s + r.k)::text)), '0') AS number,
       pg_temp.id7(r.us, r.k, 20) AS id, pg_temp.id7(r.us + 1000, r.k, 30) AS execution_id,
       r.way IN ('rule', 'desk') AND r.moments[4] IS NOT NULL AS is_paid,
       CASE r.way WHEN 'rejected' THEN 4 WHEN 'cancelled' THEN 4 WHEN 'info' THEN 4 WHEN 'failed' THEN 5
                  ELSE CASE WHEN r.moments[4] IS NULL THEN 3
                            ELSE CASE r.way WHEN 'rule' THEN 5 ELSE 6 END + (r.moments[5] IS NOT NULL)::int
                                                                         + (r.moments[6] IS NOT NULL)::int END END AS version,
       CASE WHEN pg_temp.dice(r.k, 22, 10) < 7 THEN r.paid_fen ELSE greatest(1, r.paid_fen / 3) END AS amount_fen,
       pg_temp.one_of(ARRAY['quality', 'not_as_described', 'wrong_amount', 'no_reason', 'operator_error', 'customer_cancelled'],
                      r.k, 23) AS reason
  FROM (SELECT w.*, CASE WHEN w.way = 'desk' AND w.is_open THEN ARRAY[w.us, NULL, NULL, NULL, NULL, NULL]
                         ELSE ARRAY[w.us, w.decided_us, w.decided_us + 400017,
                                    CASE WHEN w.way IN ('rule', 'desk', 'failed') THEN w.paid_us END,
                                    CASE WHEN w.paid_us + 86400000000 <= %(now_us)s THEN w.paid_us + 86400000000 END,
                                    CASE WHEN w.paid_us + 8 * 86400000000 <= %(now_us)s THEN w.paid_us + 8 * 86400000000 END]
                    END AS moments
          FROM (SELECT d.*, CASE WHEN d.way = 'rule' OR d.way = 'failed' THEN d.us ELSE d.decided_later_us END AS decided_us,
                       CASE WHEN d.way = 'rule' OR d.way = 'failed' THEN d.us ELSE d.decided_later_us END + 2000000
                       + pg_temp.dice(d.k, 25, 40000000) AS paid_us
                  FROM (SELECT q.*, q.us + 120000000 + pg_temp.dice(q.k, 24, 3000000000) AS decided_later_us,
                               CASE WHEN q.is_open AND q.die < 70 THEN 'desk' WHEN q.is_open AND q.die < 80 THEN 'info'
                                    WHEN q.is_open AND q.die < 85 THEN 'failed' WHEN q.is_open THEN 'rule'
                                    WHEN q.die < 60 THEN 'rule' WHEN q.die < 83 THEN 'desk' WHEN q.die < 95 THEN 'rejected'
                                    ELSE 'cancelled' END AS way
                          FROM (SELECT k, id AS sale_id, n AS sale_n, us + 1800000000 + pg_temp.dice(k, 20, %(later_us)s) AS us,
                                       store_id, terminal_id, cashier, channel, account_id, amount_fen AS paid_fen, phone,
                                       pg_temp.dice(k, 21, 100) AS die, k > %(requests)s - %(open)s AS is_open
                                  FROM scale_sale WHERE is_asked) q) d) w) r
"""

#: What the chunk is stored with, table by table. The counters of a sale are those of its one refund.
STORE = (
    """
INSERT INTO terminals_transaction (id, merchant_id, store_id, terminal_id, channel_account_id, channel, order_no,
  channel_transaction_no, kind, status, amount_fen, reserved_fen, refunded_fen, paid_at, cashier, payer_phone, payer_phone_hash,
  payer_phone_last4_hash, card_last4, funding, source, reported_by, live_refunds,
  created_at)
SELECT s.id, %(merchant)s, s.store_id, s.terminal_id, s.account_id, s.channel, 'SC' || lpad(s.n::text, 10, '0'),
       '42' || lpad(s.n::text, 26, '0'), 'sale', 'success', s.amount_fen, coalesce(r.reserved_fen, 0),
       CASE WHEN r.is_paid THEN r.amount_fen ELSE 0 END, s.paid_at, s.cashier, coalesce(p.on_sale, ''), p.hash, p.last4_hash,
       s.card, CASE WHEN s.card <> '' THEN 'debit_card' ELSE 'balance' END, 'scale', 'loader: scale',
       (coalesce(r.reserved_fen, 0) > 0)::int, s.paid_at
  FROM scale_sale s LEFT JOIN scale_phone p ON p.n = s.phone
  LEFT JOIN (SELECT sale_id, amount_fen, is_paid,
                    CASE WHEN way IN ('rejected', 'cancelled', 'failed') THEN 0 ELSE amount_fen END AS reserved_fen
               FROM scale_request) r ON r.sale_id = s.id
 ORDER BY s.n
""",
    """
INSERT INTO terminals_transactionline (transaction_id, position, sku, name, kind, quantity, unit_price_fen, amount_fen,
                                       reserved_quantity, reserved_fen)
SELECT s.id, 1, 'SKU-' || lpad(pg_temp.dice(s.n, 40, 2000)::text, 4, '0'), '空气炸锅 ' || (1 + pg_temp.dice(s.n, 40, 2000))::text,
       'article', 1, s.amount_fen, s.amount_fen, (r.sale_id IS NOT NULL AND r.came_back)::int,
       CASE WHEN r.sale_id IS NULL THEN 0 ELSE s.amount_fen END
  FROM scale_sale s
  LEFT JOIN (SELECT sale_id, reason = ANY(%(goods_reasons)s) AS came_back FROM scale_request
              WHERE amount_fen = paid_fen AND mod(k, 4) = 0 AND way NOT IN ('rejected', 'cancelled', 'failed')) r
         ON r.sale_id = s.id
 ORDER BY s.n
""",
    """
INSERT INTO refunds_refundrequest (id, number, merchant_id, store_id, transaction_id, terminal_id, channel, state, version, kind,
  reason, description, route, amount_fen, approved_fen, reserved_fen, refunded_fen, policy_version_id, verdict, tier, by_rule,
  staff_id, api_key_id, cashier, customer_name, customer_phone, customer_phone_hash, customer_phone_last4_hash, customer_email,
  customer_locale, customer_consent, claimed_by_id, claimed_at, due_at, paused_at, step_due_at, reject_reason,
  message_to_customer, created_at, updated_at, decided_at, succeeded_at, leg_count)
SELECT r.id, r.number, %(merchant)s, r.store_id, r.sale_id, r.terminal_id, r.channel, s.to_state, r.version,
       %(kinds)s::jsonb->>r.reason,
       r.reason, '面板开裂，无法使用', 'original', r.amount_fen,
       CASE WHEN r.way IN ('rule', 'failed') OR r.is_paid THEN r.amount_fen END,
       CASE WHEN r.way IN ('rejected', 'cancelled', 'failed') THEN 0 ELSE r.amount_fen END,
       CASE WHEN r.is_paid THEN r.amount_fen ELSE 0 END, %(policy)s,
       CASE WHEN r.way IN ('rule', 'failed') THEN %(by_rule)s::jsonb ELSE %(by_desk)s::jsonb END, %(tier)s,
       r.way IN ('rule', 'failed'), NULL, %(key)s, r.cashier, '', coalesce(p.on_request, ''), p.hash, p.last4_hash, '', 'zh-Hans',
       true, CASE WHEN s.to_state = 'in_review' AND mod(r.k, 3) = 0 THEN %(reviewer)s END,
       CASE WHEN s.to_state = 'in_review' AND mod(r.k, 3) = 0 THEN pg_temp.at(r.us + 60000000) END,
       pg_temp.at(r.us + 1800000000 + 3600000000 * pg_temp.dice(r.k, 26, 24)),
       CASE WHEN r.way = 'info' THEN pg_temp.at(r.decided_us) END,
       -- Nothing falls due within a day: whoever measures on these rows runs no worker beside them.
       CASE s.to_state WHEN 'refunded' THEN pg_temp.at(greatest(r.paid_us, %(now_us)s) + 86400000000)
                       WHEN 'follow_up' THEN pg_temp.at(greatest(r.paid_us + 7 * 86400000000, %(now_us)s) + 86400000000) END,
       CASE WHEN r.way = 'rejected' THEN 'goods_used' ELSE '' END, '', pg_temp.at(r.us),
       pg_temp.at(r.moments[s.moment]),
       CASE WHEN r.way IN ('rule', 'failed', 'rejected') OR r.is_paid THEN pg_temp.at(r.decided_us) END,
       CASE WHEN r.is_paid THEN pg_temp.at(r.paid_us) END, 0
  FROM scale_request r JOIN scale_step s ON s.way = r.way AND s.version = r.version
  LEFT JOIN scale_phone p ON p.n = r.phone
 ORDER BY r.us
""",
    """
INSERT INTO refunds_refundline (request_id, line_id, quantity, value_fen, held_quantity, held_fen)
SELECT r.id, l.id, 1, l.amount_fen, l.reserved_quantity, l.reserved_fen
  FROM scale_request r JOIN terminals_transactionline l ON l.transaction_id = r.sale_id
 WHERE r.amount_fen = r.paid_fen AND mod(r.k, 4) = 0 ORDER BY r.us
""",
    """
INSERT INTO refunds_approval (request_id, staff_id, role, decision, tier, amount_fen, reason, note, version, at)
SELECT r.id, %(reviewer)s, 'reviewer',
       CASE r.way WHEN 'desk' THEN 'approve' WHEN 'rejected' THEN 'reject' ELSE 'request_info' END, %(tier)s,
       CASE r.way WHEN 'desk' THEN r.amount_fen END, CASE r.way WHEN 'rejected' THEN 'goods_used' ELSE '' END, '', 4,
       pg_temp.at(r.decided_us)
  FROM scale_request r WHERE (r.way = 'desk' AND r.is_paid) OR r.way IN ('rejected', 'info') ORDER BY r.us
""",
    """
INSERT INTO refunds_execution (id, merchant_id, request_id, transaction_id, channel_account_id, sequence, attempt_no, method,
  method_reason, refund_no, amount_fen, state, sends, queries, due_at, first_sent_at, last_asked_at, channel_refund_no,
  received_account, succeeded_at, ended_at, proof, proof_source, failure_code, failure_message, failure_retry, failure_remedy,
  needs_attention, created_at)
SELECT r.execution_id, %(merchant)s, r.id, r.sale_id, r.account_id, 1, 1, 'refund', 'other_day',
       replace(r.number, '-', '') || 'N1', r.amount_fen, CASE WHEN r.is_paid THEN 'succeeded' ELSE 'failed' END, 1, 0, NULL,
       pg_temp.at(r.moments[3]), pg_temp.at(r.moments[3]),
       CASE WHEN r.is_paid THEN '5030' || lpad((%(base)s + r.k)::text, 24, '0') ELSE '' END, '支付用户零钱',
       CASE WHEN r.is_paid THEN pg_temp.at(r.paid_us) END, pg_temp.at(r.paid_us),
       CASE WHEN r.is_paid THEN '{"source":"scale","note":"history that was made: no channel was asked"}' ELSE '' END,
       CASE WHEN r.is_paid THEN 'scale' ELSE '' END, CASE WHEN r.is_paid THEN '' ELSE 'USER_ACCOUNT_ABNORMAL' END,
       CASE WHEN r.is_paid THEN '' ELSE 'made for scale' END, CASE WHEN r.is_paid THEN '' ELSE 'never' END, '', false,
       pg_temp.at(r.decided_us)
  FROM scale_request r WHERE r.is_paid OR r.way = 'failed' ORDER BY r.us
""",
    """
INSERT INTO refunds_outboxmessage (merchant_id, topic, request_id, version, state, attempts, due_at, created_at, delivered_at)
SELECT %(merchant)s, 'refund_request.' || s.to_state, r.id, s.version, 'delivered', 1, pg_temp.at(r.moments[s.moment]),
       pg_temp.at(r.moments[s.moment]), pg_temp.at(r.moments[s.moment] + 300000)
  FROM scale_request r JOIN scale_step s ON s.way = r.way AND s.version <= r.version
 ORDER BY r.us, r.k, s.version
""",
    """
INSERT INTO refunds_notification (merchant_id, request_id, event, version, medium, locale, recipient, masked_recipient, state,
                                  attempts, due_at, created_at, sent_at, receipt, last_error)
SELECT %(merchant)s, r.id, s.to_state, s.version, 'sms', 'zh-Hans', p.on_message, p.masked, 'sent', 1, NULL,
       pg_temp.at(r.moments[s.moment]), pg_temp.at(r.moments[s.moment] + 900000), 'scale', ''
  FROM scale_request r JOIN scale_step s ON s.way = r.way AND s.version <= r.version AND s.to_state IN ('refunded', 'rejected')
  JOIN scale_phone p ON p.n = r.phone
 ORDER BY r.us
""",
)

#: Every step of every refund, in the order in which they are told: what audit events are made of.
STEPS = """
SELECT r.id::text, pg_temp.at(r.moments[s.moment]), s.action, s.from_state, s.to_state, s.version, s.actor, r.channel,
       CASE s.action WHEN 'refund.submit'
                     THEN jsonb_build_object('amount_fen', r.amount_fen, 'reason', r.reason, 'route', 'original')
                     WHEN 'refund.succeed'
                     THEN jsonb_build_object('refund_no', replace(r.number, '-', '') || 'N1', 'source', 'scale',
                                             'amount_fen', r.amount_fen)
                     WHEN 'refund.approve' THEN jsonb_build_object('amount_fen', r.amount_fen)
                     WHEN 'refund.reject' THEN jsonb_build_object('reason', 'goods_used')
                     ELSE '{}' END
  FROM scale_request r JOIN scale_step s ON s.way = r.way AND s.version <= r.version
 ORDER BY r.us, r.k, s.version
"""

DROP_PLANS = "DROP TABLE IF EXISTS scale_sale, scale_request"
