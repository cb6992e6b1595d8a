"""A published policy version never changes and never goes: past verdicts refer to it."""

from django.db import migrations

SQL = """
CREATE FUNCTION merchants_policyversion_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'policy versions are immutable: publish a new one' USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER merchants_policyversion_fixed BEFORE UPDATE OR DELETE ON merchants_policyversion
  FOR EACH ROW EXECUTE FUNCTION merchants_policyversion_fixed();
"""

REVERSE = """
DROP TRIGGER merchants_policyversion_fixed ON merchants_policyversion;
DROP FUNCTION merchants_policyversion_fixed();
"""


class Migration(migrations.Migration):
    dependencies = [("merchants", "0001_initial")]

    operations = [migrations.RunSQL(SQL, REVERSE)]
