"""A rotated API key works on until ``expires_at``. And django-axes, which counted wrong passwords, leaves its tables."""

from django.db import migrations, models

_TABLES = ("axes_accessattemptexpiration", "axes_accessattempt", "axes_accesslog", "axes_accessfailurelog")


class Migration(migrations.Migration):
    dependencies = [("merchants", "0005_rights_stores_and_sessions")]

    operations = [
        migrations.AddField(
            model_name="apikey",
            name="expires_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.RunSQL(
            [
                *(f"DROP TABLE IF EXISTS {table}" for table in _TABLES),
                "DELETE FROM django_migrations WHERE app = 'axes'",
            ],
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]
