"""The policies of the tenant wall ask for the merchant without a subquery."""

from django.db import migrations

_ALTER = """
DO $$ DECLARE r record; BEGIN
  FOR r IN SELECT tablename, qual FROM pg_policies
            WHERE schemaname = 'public' AND policyname = 'one_merchant' AND qual LIKE '%( SELECT (current_setting(%' LOOP
    EXECUTE format('ALTER POLICY one_merchant ON %I USING %s', r.tablename,
      replace(r.qual, '( SELECT (current_setting(''app.merchant_id''::text))::bigint AS current_setting)',
              '(current_setting(''app.merchant_id''))::bigint'));
  END LOOP;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0010_checkpoints")]
    operations = [migrations.RunSQL(_ALTER, migrations.RunSQL.noop)]
