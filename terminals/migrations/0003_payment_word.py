"""What the channel says of a payment when it is asked."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("terminals", "0002_walls")]

    operations = [
        migrations.AddField("transaction", "asked_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField(
            "transaction",
            "payment_word",
            models.CharField(
                blank=True,
                choices=[
                    ("paid", "Paid"),
                    ("finished", "Paid, and past the channel's refund period"),
                    ("unpaid", "Not paid"),
                    ("closed", "Closed unpaid"),
                    ("reversed", "Reversed"),
                    ("refunded", "Refunded in the channel's portal"),
                    ("partly_refunded", "Partly refunded in the channel's portal"),
                    ("amount_differs", "Paid with another amount"),
                    ("not_known", "Not known to the channel"),
                    ("no_answer", "No answer: unknown"),
                ],
                db_default="",
                default="",
                max_length=20,
            ),
        ),
        migrations.AddField("transaction", "payment_word_amounts", models.JSONField(db_default={}, default=dict)),
        migrations.AddField("transaction", "payment_word_at", models.DateTimeField(blank=True, null=True)),
    ]
