"""A payout keeps its number and its amount whether or not its state changes with them."""

from django.db import migrations

SQL = """
CREATE FUNCTION refunds_execution_identity() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'an execution keeps its number and amount' USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER refunds_execution_identity BEFORE UPDATE OF refund_no, amount_fen ON refunds_execution
  FOR EACH ROW WHEN (OLD.refund_no IS DISTINCT FROM NEW.refund_no OR OLD.amount_fen IS DISTINCT FROM NEW.amount_fen)
  EXECUTE FUNCTION refunds_execution_identity();
"""

REVERSE = """
DROP TRIGGER refunds_execution_identity ON refunds_execution;
DROP FUNCTION refunds_execution_identity();
"""


class Migration(migrations.Migration):
    dependencies = [("refunds", "0006_lighter_writes")]

    operations = [migrations.RunSQL(SQL, REVERSE)]
