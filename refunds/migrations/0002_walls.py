"""What no code can pass: which state follows which, payouts that keep number and amount, a ledger that only grows.

The pairs are those of ``refunds.states`` on the day of this migration; a test compares them, and a change there needs a
migration that replaces these functions.
"""

from django.db import migrations

REQUEST_MOVES = (
    ("approved", "cancelled"),
    ("approved", "executing"),
    ("approved", "refunded"),
    ("executing", "failed"),
    ("executing", "manual_pending"),
    ("executing", "partially_refunded"),
    ("executing", "refunded"),
    ("executing", "unknown"),
    ("failed", "approved"),
    ("failed", "cancelled"),
    ("failed", "in_review"),
    ("failed", "refunded"),
    ("follow_up", "closed"),
    ("in_review", "approved"),
    ("in_review", "cancelled"),
    ("in_review", "needs_info"),
    ("in_review", "refunded"),
    ("in_review", "rejected"),
    ("manual_pending", "failed"),
    ("manual_pending", "partially_refunded"),
    ("manual_pending", "refunded"),
    ("needs_info", "approved"),
    ("needs_info", "cancelled"),
    ("needs_info", "in_review"),
    ("needs_info", "refunded"),
    ("partially_refunded", "partially_refunded"),
    ("partially_refunded", "refunded"),
    ("refunded", "follow_up"),
    ("rejected", "approved"),
    ("rejected", "in_review"),
    ("rejected", "refunded"),
    ("unknown", "executing"),
    ("unknown", "failed"),
    ("unknown", "manual_pending"),
    ("unknown", "partially_refunded"),
    ("unknown", "refunded"),
)

EXECUTION_MOVES = (
    ("failed", "ready"),
    ("failed", "succeeded"),
    ("held", "failed"),
    ("held", "processing"),
    ("held", "sending"),
    ("held", "succeeded"),
    ("held", "unknown"),
    ("processing", "failed"),
    ("processing", "held"),
    ("processing", "sending"),
    ("processing", "succeeded"),
    ("processing", "unknown"),
    ("ready", "cancelled"),
    ("ready", "sending"),
    ("sending", "failed"),
    ("sending", "held"),
    ("sending", "processing"),
    ("sending", "succeeded"),
    ("sending", "unknown"),
    ("unknown", "failed"),
    ("unknown", "held"),
    ("unknown", "processing"),
    ("unknown", "sending"),
    ("unknown", "succeeded"),
)


def _pairs(moves):
    return ", ".join(f"('{source}', '{target}')" for source, target in moves)


NUMBERS = "CREATE SEQUENCE refunds_number;"

REQUESTS_MOVE_AS_ALLOWED = f"""
CREATE FUNCTION refunds_request_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (OLD.state, NEW.state) NOT IN ({_pairs(REQUEST_MOVES)}) THEN
    RAISE EXCEPTION 'a refund request cannot go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.version <= OLD.version THEN
    RAISE EXCEPTION 'a state change raises the version' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER refunds_request_moves BEFORE UPDATE OF state ON refunds_refundrequest
  FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION refunds_request_moves();
"""

EXECUTIONS_MOVE_AS_ALLOWED = f"""
CREATE FUNCTION refunds_execution_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (OLD.state, NEW.state) NOT IN ({_pairs(EXECUTION_MOVES)}) THEN
    RAISE EXCEPTION 'an execution cannot go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.refund_no <> OLD.refund_no OR NEW.amount_fen <> OLD.amount_fen THEN
    RAISE EXCEPTION 'an execution keeps its number and amount' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER refunds_execution_moves BEFORE UPDATE OF state ON refunds_execution
  FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION refunds_execution_moves();
"""

# Whether or not the state changes with them.
EXECUTIONS_KEEP_NUMBER_AND_AMOUNT = """
CREATE FUNCTION refunds_execution_identity() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'an execution keeps its number and amount' USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER refunds_execution_identity BEFORE UPDATE OF refund_no, amount_fen ON refunds_execution
  FOR EACH ROW WHEN (OLD.refund_no IS DISTINCT FROM NEW.refund_no OR OLD.amount_fen IS DISTINCT FROM NEW.amount_fen)
  EXECUTE FUNCTION refunds_execution_identity();
"""

LEDGER_ONLY_GROWS = """
CREATE FUNCTION refunds_ledger_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the ledger only grows: post the reverse instead' USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER refunds_ledger_only_grows BEFORE UPDATE OR DELETE ON refunds_ledgerentry
  FOR EACH STATEMENT EXECUTE FUNCTION refunds_ledger_only_grows();
"""

# Both are sealed: the database sees only whether there is something.
PAYEES_ARE_COMPLETE = """
ALTER TABLE refunds_payee ADD CONSTRAINT payee_complete
  CHECK (octet_length(holder_name) > 0 AND octet_length(account_no) > 0);
"""

# Django makes an index for LIKE beside every key that is text; nobody looks for a counter by its beginning.
NO_INDEX_FOR_LIKE = "DROP INDEX refunds_runningsum_key_0749c4f0_like;"


class Migration(migrations.Migration):
    dependencies = [("refunds", "0001_initial")]

    operations = [
        migrations.RunSQL(sql)
        for sql in (
            NUMBERS,
            REQUESTS_MOVE_AS_ALLOWED,
            EXECUTIONS_MOVE_AS_ALLOWED,
            EXECUTIONS_KEEP_NUMBER_AND_AMOUNT,
            LEDGER_ONLY_GROWS,
            PAYEES_ARE_COMPLETE,
            NO_INDEX_FOR_LIKE,
        )
    ]
