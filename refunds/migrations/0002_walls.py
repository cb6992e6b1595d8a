"""Walls that no code can pass: the number sequence, allowed state changes, executions that stay ended.

The pairs are those of ``refunds.states`` on the day of this migration; a test compares them, and a change there needs a
migration that replaces these functions.
"""

from django.db import migrations

REQUEST_MOVES = (
    ("approved", "cancelled"),
    ("approved", "executing"),
    ("executing", "failed"),
    ("executing", "refunded"),
    ("executing", "unknown"),
    ("failed", "approved"),
    ("failed", "in_review"),
    ("follow_up", "closed"),
    ("in_review", "approved"),
    ("in_review", "cancelled"),
    ("in_review", "needs_info"),
    ("in_review", "rejected"),
    ("needs_info", "approved"),
    ("needs_info", "cancelled"),
    ("needs_info", "in_review"),
    ("refunded", "follow_up"),
    ("rejected", "approved"),
    ("rejected", "in_review"),
    ("unknown", "executing"),
    ("unknown", "failed"),
    ("unknown", "refunded"),
)

EXECUTION_MOVES = (
    ("failed", "ready"),
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


SQL = f"""
CREATE SEQUENCE refunds_number;

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

REVERSE = """
DROP TRIGGER refunds_execution_moves ON refunds_execution;
DROP FUNCTION refunds_execution_moves();
DROP TRIGGER refunds_request_moves ON refunds_refundrequest;
DROP FUNCTION refunds_request_moves();
DROP SEQUENCE refunds_number;
"""


class Migration(migrations.Migration):
    dependencies = [("refunds", "0001_initial")]

    operations = [migrations.RunSQL(SQL, REVERSE)]
