"""A payout by hand may be given up because the channel has paid it meanwhile."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("refunds", "0245_withdrawn_and_paid")]

    operations = [
        migrations.AlterField(
            model_name="returnedtransfer",
            name="trouble",
            field=models.CharField(
                choices=[
                    ("payee_wrong", "The bank account does not exist, or is somebody else's"),
                    ("not_collected", "The customer did not come for it"),
                    ("no_means", "The till or the account has too little money"),
                    ("other_way", "The customer wants it another way"),
                    ("paid_meanwhile", "The channel has paid it meanwhile: nobody pays it by hand any more"),
                ],
                max_length=30,
            ),
        ),
    ]
