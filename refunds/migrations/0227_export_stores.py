from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models


class Migration(migrations.Migration):
    # Files from before say nothing of their stores: who works in all of them takes them.
    dependencies = [("refunds", "0220_hash_names_set_wide")]

    operations = [
        migrations.AddField("listexport", "store_ids", ArrayField(models.BigIntegerField(), null=True)),
    ]
