from django.db import migrations, models

_LIVE = models.Q(("state__in", ["failed", "cancelled"]), _negated=True)


class Migration(migrations.Migration):
    """A request has one live payout: nothing ever made a second part."""

    dependencies = [("refunds", "0012_scale_indexes")]

    operations = [
        migrations.RemoveConstraint(model_name="execution", name="one_live_execution_per_tranche"),
        migrations.RemoveField(model_name="execution", name="tranche"),
        migrations.AddConstraint(
            model_name="execution",
            constraint=models.UniqueConstraint(condition=_LIVE, fields=("request",), name="one_live_execution"),
        ),
    ]
