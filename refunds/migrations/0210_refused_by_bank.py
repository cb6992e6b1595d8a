from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("refunds", "0196_refunds_made_elsewhere")]

    operations = [
        migrations.AddIndex(
            "execution",
            models.Index(
                fields=["succeeded_at"],
                name="execution_refused_by_bank",
                condition=Q(needs_attention=True, second_leg="failed"),
            ),
        ),
    ]
