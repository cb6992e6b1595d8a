"""What people sign with a decision, and the merchant's word that it is signed with passkeys, which nothing takes back."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# Also whoever writes to the row past the product.
ONLY_RAISED = """
CREATE FUNCTION merchants_passkeys_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a merchant that requires passkeys does so for good' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER merchants_merchant_passkeys_stay BEFORE UPDATE OF requires_passkeys_since ON merchants_merchant
  FOR EACH ROW WHEN (OLD.requires_passkeys_since IS NOT NULL
                     AND NEW.requires_passkeys_since IS DISTINCT FROM OLD.requires_passkeys_since)
  EXECUTE FUNCTION merchants_passkeys_stay();
"""


class Migration(migrations.Migration):
    dependencies = [("merchants", "0012_mandates")]

    operations = [
        migrations.AddField("merchant", "requires_passkeys_since", models.DateTimeField(blank=True, null=True)),
        migrations.CreateModel(
            name="Signature",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("object_type", models.CharField(max_length=30)),
                ("object_id", models.CharField(max_length=40)),
                ("statement", models.TextField()),
                ("factor", models.CharField(max_length=20)),
                ("assertion", models.JSONField(default=dict)),
                ("credential", models.BinaryField(max_length=32, null=True)),
                ("signed", models.BinaryField(max_length=32, null=True, unique=True)),
                ("counter", models.BigIntegerField(default=0)),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("at", models.DateTimeField()),
                (
                    "merchant",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="merchants.merchant"),
                ),
                (
                    "staff",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="signatures",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["object_id"], name="signature_object")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("counter__gt", 0)),
                        fields=("credential", "counter"),
                        name="signature_counter_once",
                    )
                ],
            },
        ),
        migrations.RunSQL(ONLY_RAISED),
    ]
