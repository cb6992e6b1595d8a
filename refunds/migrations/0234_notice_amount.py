from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("refunds", "0230_checks_read_fast"),
    ]

    operations = [
        migrations.AddField(
            model_name="channelnotice",
            name="amount_fen",
            field=models.BigIntegerField(blank=True, null=True),
        ),
    ]
