from django.db import migrations, models
from django.db.models import F


class Migration(migrations.Migration):
    dependencies = [("refunds", "0230_checks_read_fast")]

    operations = [
        migrations.RemoveConstraint(model_name="refundline", name="refund_line_holds_all_or_none"),
        migrations.AddConstraint(
            model_name="refundline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("held_fen__gte", 0),
                    ("held_quantity__gte", 0),
                    ("held_quantity__lte", F("quantity")),
                    ("value_fen__gte", 0),
                ),
                name="refund_line_holds_no_more",
            ),
        ),
    ]
