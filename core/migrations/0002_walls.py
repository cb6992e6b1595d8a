"""What no code can pass: the audit trail only grows.

The triggers that refuse TRUNCATE of any table, and who may do what, are built after every migration (core/database/rights.py).
"""

from django.db import migrations

APPEND_ONLY = """
CREATE FUNCTION core_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER core_auditevent_append_only BEFORE UPDATE OR DELETE ON core_auditevent
  FOR EACH ROW EXECUTE FUNCTION core_append_only();
CREATE TRIGGER core_auditevent_no_truncate BEFORE TRUNCATE ON core_auditevent
  FOR EACH STATEMENT EXECUTE FUNCTION core_append_only();
CREATE TRIGGER core_auditlink_append_only BEFORE UPDATE OR DELETE ON core_auditlink
  FOR EACH ROW EXECUTE FUNCTION core_append_only();
CREATE TRIGGER core_auditlink_no_truncate BEFORE TRUNCATE ON core_auditlink
  FOR EACH STATEMENT EXECUTE FUNCTION core_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]

    operations = [migrations.RunSQL(APPEND_ONLY)]
