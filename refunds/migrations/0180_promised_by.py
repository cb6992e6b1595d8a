"""When the money is there, as a message said."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("refunds", "0115_assignment")]

    operations = [
        migrations.AddField("notification", "promised_by", models.DateTimeField(blank=True, null=True)),
    ]
