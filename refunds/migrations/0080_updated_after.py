import django.contrib.postgres.indexes
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('refunds', '0052_hash_names'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='refundrequest',
            index=django.contrib.postgres.indexes.BrinIndex(autosummarize=True, fields=['updated_at'], name='request_updated_brin', pages_per_range=32),
        ),
    ]
