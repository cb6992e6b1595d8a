"""The audit trail under a key: events carry what only its holder can write, links say whose key sealed them, and the seal point
knows the key in use and up to where heads are written outside the database.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0002_append_only")]

    operations = [
        migrations.AddField(
            model_name="auditevent",
            name="mac",
            field=models.BinaryField(max_length=24, null=True),
        ),
        migrations.AddField(
            model_name="auditlink",
            name="key_id",
            field=models.CharField(blank=True, db_default="", default="", max_length=16),
        ),
        migrations.AddField(
            model_name="auditsealpoint",
            name="key_id",
            field=models.CharField(blank=True, db_default="", default="", max_length=16),
        ),
        migrations.AddField(
            model_name="auditsealpoint",
            name="anchored_txid",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="auditsealpoint",
            name="anchored_event_id",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="auditsealpoint",
            name="anchored_line",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AlterField(
            model_name="auditsealpoint",
            name="txid",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AlterField(
            model_name="auditsealpoint",
            name="event_id",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
    ]
