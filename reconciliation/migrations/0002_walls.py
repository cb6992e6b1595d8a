"""What no code can pass: a closed day, and its differences, do not change until it is reopened."""

from django.db import migrations

CLOSED_DAYS_STAY = """
CREATE FUNCTION reconciliation_closed_day_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the day is closed: reopen it first' USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER reconciliation_closed_day_stays BEFORE UPDATE ON reconciliation_reconciliationday
  FOR EACH ROW WHEN (OLD.state = 'closed' AND NEW.state = 'closed') EXECUTE FUNCTION reconciliation_closed_day_stays();

CREATE TRIGGER reconciliation_closed_day_remains BEFORE DELETE ON reconciliation_reconciliationday
  FOR EACH ROW WHEN (OLD.state = 'closed') EXECUTE FUNCTION reconciliation_closed_day_stays();
"""

DIFFERENCES_OF_CLOSED_DAYS_STAY = """
CREATE FUNCTION reconciliation_difference_of_open_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT state FROM reconciliation_reconciliationday WHERE id = NEW.day_id) = 'closed' THEN
    RAISE EXCEPTION 'the day is closed: reopen it first' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER reconciliation_difference_of_open_day BEFORE INSERT OR UPDATE ON reconciliation_difference
  FOR EACH ROW EXECUTE FUNCTION reconciliation_difference_of_open_day();
"""


class Migration(migrations.Migration):
    dependencies = [("reconciliation", "0001_initial")]

    operations = [migrations.RunSQL(sql) for sql in (CLOSED_DAYS_STAY, DIFFERENCES_OF_CLOSED_DAYS_STAY)]
