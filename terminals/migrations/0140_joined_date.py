from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("terminals", "0050_receipt_ends")]

    operations = [
        migrations.AddField("transaction", "joined_date", models.DateField(blank=True, null=True)),
    ]
