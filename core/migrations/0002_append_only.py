"""The audit trail only grows: UPDATE, DELETE and TRUNCATE are refused to everybody."""

from django.db import migrations

SQL = """
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

REVERSE = """
DROP TRIGGER core_auditevent_append_only ON core_auditevent;
DROP TRIGGER core_auditevent_no_truncate ON core_auditevent;
DROP TRIGGER core_auditlink_append_only ON core_auditlink;
DROP TRIGGER core_auditlink_no_truncate ON core_auditlink;
DROP FUNCTION core_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]

    operations = [migrations.RunSQL(SQL, REVERSE)]
