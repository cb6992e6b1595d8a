from django.db import migrations, models
from django.db.models.functions import Reverse


class Migration(migrations.Migration):
    dependencies = [("terminals", "0160_payment_no")]

    operations = [
        migrations.RemoveIndex("transaction", "transaction_order_end"),
        migrations.AddField(
            "transaction",
            "order_end",
            models.GeneratedField(
                db_persist=True,
                expression=Reverse("order_no"),
                output_field=models.CharField(db_collation="C", max_length=64),
            ),
        ),
        migrations.AddIndex(
            "transaction", models.Index(fields=["merchant", "order_end"], name="transaction_order_end")
        ),
    ]
