"""Tills, sales and their lines."""

import uuid_utils.compat
from django.db import migrations, models

import core.personal_data
import core.quantities


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("merchants", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Terminal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("store", models.ForeignKey(on_delete=models.PROTECT, related_name="terminals", to="merchants.store")),
                ("code", models.CharField(max_length=20)),
                ("refunds_enabled", models.BooleanField(default=True)),
                ("software_version", models.CharField(blank=True, max_length=20)),
                ("last_seen_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("store", "code"), name="terminal_code_once")],
            },
        ),
        migrations.CreateModel(
            name="Transaction",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("merchant", models.ForeignKey(db_index=False, on_delete=models.PROTECT, to="merchants.merchant")),
                ("store", models.ForeignKey(db_index=False, on_delete=models.PROTECT, to="merchants.store")),
                (
                    "terminal",
                    models.ForeignKey(
                        blank=True, db_index=False, null=True, on_delete=models.PROTECT, to="terminals.terminal"
                    ),
                ),
                (
                    "channel_account",
                    models.ForeignKey(
                        blank=True, db_index=False, null=True, on_delete=models.PROTECT, to="merchants.channelaccount"
                    ),
                ),
                ("channel", models.CharField(max_length=20)),
                ("order_no", models.CharField(db_collation="C", max_length=64)),
                ("channel_transaction_no", models.CharField(db_collation="C", max_length=64)),
                (
                    "kind",
                    models.CharField(choices=[("sale", "Sale"), ("deposit", "Deposit")], default="sale", max_length=20),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("success", "Paid"), ("pending", "Unconfirmed"), ("declined", "Declined")],
                        default="success",
                        max_length=20,
                    ),
                ),
                ("amount_fen", models.BigIntegerField()),
                ("reserved_fen", models.BigIntegerField(default=0)),
                ("refunded_fen", models.BigIntegerField(default=0)),
                ("live_refunds", models.IntegerField(db_default=0, default=0)),
                ("live_refunds_limit", models.IntegerField(blank=True, null=True)),
                ("paid_at", models.DateTimeField()),
                ("cashier", models.CharField(blank=True, max_length=40)),
                (
                    "payer_phone",
                    core.personal_data.SealedTextField(blank=True, default="", purpose="transaction.payer_phone"),
                ),
                ("payer_phone_hash", models.BinaryField(max_length=16, null=True)),
                ("payer_phone_last4_hash", models.BinaryField(max_length=16, null=True)),
                ("card_last4", models.CharField(blank=True, max_length=4)),
                (
                    "funding",
                    models.CharField(
                        choices=[
                            ("balance", "Wallet balance"),
                            ("debit_card", "Debit card"),
                            ("credit_card", "Credit card"),
                            ("consumer_credit", "Consumer credit"),
                            ("cash", "Cash"),
                            ("unknown", "Unknown"),
                        ],
                        default="unknown",
                        max_length=20,
                    ),
                ),
                ("source", models.CharField(default="api", max_length=20)),
                ("reported_by", models.CharField(blank=True, max_length=80)),
                (
                    "reported_by_key",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="+",
                        to="merchants.apikey",
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("corrected_at", models.DateTimeField(blank=True, null=True)),
                ("held_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["merchant", "order_no"], name="transaction_order"),
                    models.Index(fields=["merchant", "paid_at", "id"], name="transaction_paid"),
                    models.Index(fields=["merchant", "store", "paid_at", "id"], name="transaction_store"),
                    models.Index(
                        condition=models.Q(("terminal__isnull", False)),
                        fields=["terminal", "paid_at", "id"],
                        name="transaction_till",
                    ),
                    models.Index(fields=["merchant", "amount_fen", "paid_at"], name="transaction_amount"),
                    models.Index(
                        condition=models.Q(("card_last4", ""), _negated=True),
                        fields=["merchant", "card_last4", "paid_at"],
                        name="transaction_card",
                    ),
                    models.Index(
                        condition=models.Q(("payer_phone_hash__isnull", False)),
                        fields=["payer_phone_hash"],
                        name="transaction_phone",
                    ),
                    models.Index(
                        condition=models.Q(("payer_phone_last4_hash__isnull", False)),
                        fields=["merchant", "payer_phone_last4_hash"],
                        name="transaction_phone_last4",
                    ),
                    models.Index(
                        condition=models.Q(("held_at__isnull", False)),
                        fields=["merchant"],
                        name="transaction_held",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount_fen__gt", 0)), name="transaction_amount_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("refunded_fen__gte", 0),
                            ("refunded_fen__lte", models.F("reserved_fen")),
                            ("reserved_fen__lte", models.F("amount_fen")),
                        ),
                        name="transaction_never_over_refunded",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("live_refunds__gte", 0),
                            models.Q(
                                ("live_refunds_limit__isnull", True),
                                ("live_refunds__lte", models.F("live_refunds_limit")),
                                _connector="OR",
                            ),
                        ),
                        name="transaction_within_refund_count",
                    ),
                    models.UniqueConstraint(
                        fields=("merchant", "channel_transaction_no", "channel"), name="channel_number_once"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TransactionLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "transaction",
                    models.ForeignKey(
                        db_index=False, on_delete=models.CASCADE, related_name="lines", to="terminals.transaction"
                    ),
                ),
                ("position", models.PositiveSmallIntegerField()),
                ("sku", models.CharField(blank=True, max_length=64)),
                ("name", models.CharField(max_length=200)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("article", "Article"),
                            ("gift", "Gift"),
                            ("deposit", "Returnable deposit"),
                            ("discount", "Discount"),
                            ("rounding", "Rounding"),
                        ],
                        default="article",
                        max_length=10,
                    ),
                ),
                ("quantity", core.quantities.QuantityField()),
                ("unit_price_fen", models.BigIntegerField()),
                ("amount_fen", models.BigIntegerField()),
                ("reserved_quantity", core.quantities.QuantityField(db_default=0, default=0)),
                ("reserved_fen", models.BigIntegerField(db_default=0, default=0)),
            ],
            options={
                "indexes": [models.Index(fields=["sku", "transaction"], name="line_sku")],
                "constraints": [
                    models.UniqueConstraint(fields=("transaction", "position"), name="line_position_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("reserved_quantity__gte", 0), ("reserved_quantity__lte", models.F("quantity"))
                        ),
                        name="line_never_over_returned",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("quantity__gt", 0),
                            models.Q(
                                models.Q(("amount_fen__gte", 0), ("unit_price_fen__gte", 0)),
                                ("kind__in", ["deposit", "discount", "rounding"]),
                                _connector="OR",
                            ),
                        ),
                        name="line_sane",
                    ),
                ],
            },
        ),
    ]
