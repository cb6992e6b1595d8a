"""Rows that refunds point at are never deleted, so that pointing at them needs no check that locks them (docs/adr/0021)."""

from django.db import migrations

TABLES = ("merchants_merchant", "merchants_store", "merchants_apikey", "merchants_channelaccount")

SQL = """
CREATE FUNCTION merchants_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'rows of % are never deleted: refunds refer to them', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
""" + "".join(
    f"CREATE TRIGGER {table}_stays BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION merchants_stays();\n"
    for table in TABLES
)

REVERSE = "".join(f"DROP TRIGGER {table}_stays ON {table};\n" for table in TABLES) + "DROP FUNCTION merchants_stays();"


class Migration(migrations.Migration):
    dependencies = [("merchants", "0002_policy_versions_are_fixed")]

    operations = [migrations.RunSQL(SQL, REVERSE)]
