"""What no code can pass: published rules are fixed, what refunds point at stays, sessions end with what they rested on."""

from django.db import migrations

# Past verdicts refer to the version that they were made by.
POLICY_VERSIONS_ARE_FIXED = """
CREATE FUNCTION merchants_policyversion_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'policy versions are immutable: publish a new one' USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER merchants_policyversion_fixed BEFORE UPDATE OR DELETE ON merchants_policyversion
  FOR EACH ROW EXECUTE FUNCTION merchants_policyversion_fixed();
"""

# Never deleted, so that pointing at them needs no check that locks them (docs/adr/0021). Tills use the function, too.
PARENTS_STAY = """
CREATE FUNCTION merchants_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'rows of % are never deleted: refunds refer to them', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
""" + "".join(
    f"CREATE TRIGGER {table}_stays BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION merchants_stays();\n"
    for table in ("merchants_merchant", "merchants_store", "merchants_apikey", "merchants_channelaccount")
)

# Whoever writes to the row, by whatever way. A copy of the row that was read before never sets the count back.
SESSIONS_END = """
CREATE FUNCTION merchants_staff_sessions_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.is_active, NEW.role) IS DISTINCT FROM (OLD.is_active, OLD.role) THEN
    NEW.session_epoch := OLD.session_epoch + 1;
  ELSE
    NEW.session_epoch := GREATEST(NEW.session_epoch, OLD.session_epoch);
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER merchants_staff_sessions_end BEFORE UPDATE ON merchants_staff
  FOR EACH ROW EXECUTE FUNCTION merchants_staff_sessions_end();
"""


class Migration(migrations.Migration):
    dependencies = [("merchants", "0001_initial")]

    operations = [migrations.RunSQL(sql) for sql in (POLICY_VERSIONS_ARE_FIXED, PARENTS_STAY, SESSIONS_END)]
