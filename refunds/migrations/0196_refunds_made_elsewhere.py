"""Notices of refunds that nobody here asked for, by their payment."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("refunds", "0195_unheard_since")]

    operations = [
        migrations.AddField(
            "channelnotice",
            "channel_transaction_no",
            models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.AddField("channelnotice", "refunded_fen", models.BigIntegerField(blank=True, null=True)),
        migrations.AddIndex(
            "channelnotice",
            models.Index(
                fields=["channel_transaction_no"],
                name="notice_elsewhere",
                condition=Q(effect__in=["ask_trade", "trade_asked"]),
            ),
        ),
    ]
