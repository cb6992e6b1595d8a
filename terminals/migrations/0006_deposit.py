"""The terms of a deposit, as agreed when it was paid."""

from django.db import migrations, models

KINDS = [
    ("earnest", "Earnest (binding deposit)"),
    ("advance", "Advance payment"),
    ("security", "Security deposit"),
]


class Migration(migrations.Migration):
    dependencies = [("terminals", "0005_payer_paid")]

    operations = [
        migrations.CreateModel(
            "Deposit",
            [
                (
                    "transaction",
                    models.OneToOneField(
                        on_delete=models.PROTECT,
                        primary_key=True,
                        related_name="deposit",
                        serialize=False,
                        to="terminals.transaction",
                    ),
                ),
                ("kind", models.CharField(choices=KINDS, max_length=10)),
                ("contract_fen", models.BigIntegerField()),
                ("terms", models.TextField()),
                ("recorded_by", models.CharField(max_length=80)),
                ("recorded_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(contract_fen__gt=0) & ~models.Q(terms=""), name="deposit_has_terms"
                    )
                ]
            },
        ),
    ]
