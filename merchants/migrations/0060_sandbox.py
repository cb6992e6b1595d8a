"""Sandboxes: twins of merchants, with a clock of their own."""

import datetime

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("merchants", "0040_saved_views")]

    operations = [
        migrations.AddField(
            model_name="merchant",
            name="sandbox_of",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="sandbox",
                to="merchants.merchant",
            ),
        ),
        migrations.AddField(
            model_name="merchant",
            name="clock_ahead",
            field=models.DurationField(default=datetime.timedelta, db_default=datetime.timedelta()),
        ),
        migrations.AddField(
            model_name="merchant", name="clock_target_at", field=models.DateTimeField(blank=True, null=True)
        ),
        migrations.AddConstraint(
            model_name="merchant",
            constraint=models.CheckConstraint(
                condition=models.Q(sandbox_of__isnull=False)
                | models.Q(clock_ahead=datetime.timedelta(), clock_target_at=None),
                name="only_a_sandbox_has_a_clock",
            ),
        ),
        migrations.AddConstraint(
            model_name="merchant",
            constraint=models.CheckConstraint(
                condition=models.Q(clock_ahead__gte=datetime.timedelta()), name="clock_never_behind"
            ),
        ),
    ]
