from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("refunds", "0231_pieces_that_came_back"),
    ]

    operations = [
        migrations.AddField(
            model_name="channelnotice",
            name="amount_fen",
            field=models.BigIntegerField(blank=True, null=True),
        ),
    ]
