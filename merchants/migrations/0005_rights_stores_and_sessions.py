"""Stores said openly, the codes of a person at the tills, and sessions that end with what they rested on."""

from typing import Any

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

#: Whoever writes to the row, by whatever way. A copy of the row that was read before never sets the count back.
_SESSIONS_END = """
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
_SESSIONS_GO_ON = """
DROP TRIGGER merchants_staff_sessions_end ON merchants_staff;
DROP FUNCTION merchants_staff_sessions_end();
"""


def _keep_what_rows_meant(apps: Any, _schema_editor: Any) -> None:
    """Until now no store meant all of them."""
    apps.get_model("merchants", "Staff").objects.filter(stores=None).update(all_stores=True)
    apps.get_model("merchants", "ApiKey").objects.filter(store=None).update(all_stores=True)


class Migration(migrations.Migration):
    dependencies = [("merchants", "0004_payouts_scope")]

    operations = [
        migrations.AddField("staff", "all_stores", models.BooleanField(default=False)),
        migrations.AddField(
            "staff",
            "till_codes",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=40), blank=True, default=list, size=None
            ),
        ),
        migrations.AddField("staff", "session_epoch", models.PositiveIntegerField(default=0)),
        migrations.AddField("apikey", "all_stores", models.BooleanField(default=False)),
        migrations.AddField(
            "apikey",
            "replaces",
            models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="merchants.apikey",
            ),
        ),
        migrations.RunPython(_keep_what_rows_meant, migrations.RunPython.noop),
        migrations.AddConstraint(
            "apikey",
            models.CheckConstraint(
                condition=models.Q(("all_stores", False), ("store", None), _connector="OR"),
                name="key_of_one_store_or_all",
            ),
        ),
        migrations.RunSQL(_SESSIONS_END, _SESSIONS_GO_ON),
    ]
