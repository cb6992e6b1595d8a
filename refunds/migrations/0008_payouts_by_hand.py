"""Payouts that a person makes: the account a transfer goes to, and the moves through ``manual_pending``.

The pairs are those of ``refunds.states`` on the day of this migration; a test compares them.
"""

import django.db.models.deletion
from django.db import migrations, models

import core.personal_data

BEFORE = (
    ("approved", "cancelled"),
    ("approved", "executing"),
    ("executing", "failed"),
    ("executing", "refunded"),
    ("executing", "unknown"),
    ("failed", "approved"),
    ("failed", "in_review"),
    ("follow_up", "closed"),
    ("in_review", "approved"),
    ("in_review", "cancelled"),
    ("in_review", "needs_info"),
    ("in_review", "rejected"),
    ("needs_info", "approved"),
    ("needs_info", "cancelled"),
    ("needs_info", "in_review"),
    ("refunded", "follow_up"),
    ("rejected", "approved"),
    ("rejected", "in_review"),
    ("unknown", "executing"),
    ("unknown", "failed"),
    ("unknown", "refunded"),
)
BY_HAND = (
    ("executing", "manual_pending"),
    ("unknown", "manual_pending"),
    ("manual_pending", "failed"),
    ("manual_pending", "refunded"),
)


def _moves(pairs):
    listed = ", ".join(f"('{source}', '{target}')" for source, target in pairs)
    return f"""
CREATE OR REPLACE FUNCTION refunds_request_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (OLD.state, NEW.state) NOT IN ({listed}) THEN
    RAISE EXCEPTION 'a refund request cannot go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.version <= OLD.version THEN
    RAISE EXCEPTION 'a state change raises the version' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0003_parents_stay"),
        ("refunds", "0007_numbers_stay"),
    ]

    operations = [
        migrations.CreateModel(
            name="Payee",
            fields=[
                (
                    "request",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="payee",
                        serialize=False,
                        to="refunds.refundrequest",
                    ),
                ),
                (
                    "holder_name",
                    core.personal_data.SealedTextField(blank=True, default="", purpose="payee.holder_name"),
                ),
                ("account_no", core.personal_data.SealedTextField(blank=True, default="", purpose="payee.account_no")),
                ("account_last4", models.CharField(max_length=4)),
                ("bank_name", models.CharField(max_length=60)),
                ("recorded_by", models.CharField(max_length=80)),
                ("recorded_at", models.DateTimeField()),
                (
                    "merchant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="merchants.merchant",
                    ),
                ),
            ],
        ),
        migrations.RunSQL(
            "ALTER TABLE refunds_payee ADD CONSTRAINT payee_complete "
            "CHECK (octet_length(holder_name) > 0 AND octet_length(account_no) > 0)",
            "ALTER TABLE refunds_payee DROP CONSTRAINT payee_complete",
        ),
        migrations.RunSQL(_moves((*BEFORE, *BY_HAND)), _moves(BEFORE)),
    ]
