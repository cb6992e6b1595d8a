"""Goods come back for a refund; an exchange may be offered instead."""

from importlib import import_module

import django.db.models.deletion
from django.db import migrations, models

import core.quantities

_WALLS = import_module("refunds.migrations.0002_walls")
_BEFORE = import_module("refunds.migrations.0005_clocks")

REQUEST_MOVES = (
    *_BEFORE.REQUEST_MOVES,
    ("failed", "waiting_goods"),
    ("in_review", "waiting_goods"),
    ("needs_info", "waiting_goods"),
    ("rejected", "waiting_goods"),
    ("verifying", "waiting_goods"),
    ("waiting_goods", "approved"),
    ("waiting_goods", "cancelled"),
    ("waiting_goods", "in_review"),
    ("waiting_goods", "refunded"),
    ("waiting_goods", "verifying"),
    ("waiting_goods", "waiting_goods"),
)

MOVES = _BEFORE.MOVES.replace(_WALLS._pairs(_BEFORE.REQUEST_MOVES), _WALLS._pairs(REQUEST_MOVES))


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0005_delegation"),
        ("refunds", "0009_deposit"),
        ("terminals", "0006_deposit"),
    ]

    operations = [
        migrations.AlterField(
            model_name="evidence",
            name="kind",
            field=models.CharField(
                choices=[
                    ("photo", "Photo of the goods"),
                    ("receipt", "Receipt"),
                    ("witness", "A colleague's word"),
                    ("terms", "Agreed terms"),
                    ("document", "Document"),
                    ("conversation", "Conversation"),
                    ("inspection", "Photo of the returned goods"),
                    ("other", "Other"),
                ],
                max_length=20,
            ),
        ),
        migrations.CreateModel(
            name="GoodsReturn",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("awaited", "Asked for"),
                            ("on_its_way", "On its way"),
                            ("received", "Received"),
                            ("inspected", "Inspected"),
                            ("not_come", "Did not come in time"),
                            ("called_off", "Not needed"),
                        ],
                        default="awaited",
                        max_length=12,
                    ),
                ),
                (
                    "way",
                    models.CharField(
                        blank=True,
                        choices=[("in_store", "Brought to the store"), ("parcel", "Sent by parcel")],
                        max_length=10,
                    ),
                ),
                ("by_policy", models.BooleanField(default=False)),
                ("asked_by", models.CharField(blank=True, max_length=80)),
                ("asked_at", models.DateTimeField()),
                ("due_at", models.DateTimeField(null=True)),
                ("carrier", models.CharField(blank=True, max_length=40)),
                ("parcel_no", models.CharField(blank=True, max_length=40)),
                ("sent_at", models.DateTimeField(null=True)),
                ("received_by", models.CharField(blank=True, max_length=80)),
                ("received_at", models.DateTimeField(null=True)),
                ("inspected_by", models.CharField(blank=True, max_length=80)),
                ("inspected_at", models.DateTimeField(null=True)),
                ("finding", models.CharField(blank=True, max_length=500)),
                ("proposed_fen", models.BigIntegerField(null=True)),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="goods_returns",
                        to="refunds.refundrequest",
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, to="merchants.store"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="GoodsReturnLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("quantity", core.quantities.QuantityField()),
                (
                    "condition",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("as_described", "As the customer described"),
                            ("used", "Used"),
                            ("damaged", "Damaged by the customer"),
                            ("wrong_article", "Another article"),
                            ("missing", "Missing"),
                        ],
                        max_length=15,
                    ),
                ),
                (
                    "disposition",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("restock", "Back on the shelf"),
                            ("repair", "To be repaired"),
                            ("scrap", "Scrapped"),
                            ("supplier", "Back to the supplier"),
                            ("hand_back", "Handed back to the customer"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "goods_return",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="lines", to="refunds.goodsreturn"
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="terminals.transactionline",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ExchangeOffer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(choices=[("exchange", "Exchange"), ("reship", "Second delivery")], max_length=10),
                ),
                ("message", models.CharField(blank=True, max_length=500)),
                ("offered_by", models.CharField(max_length=80)),
                ("offered_at", models.DateTimeField()),
                (
                    "answer",
                    models.CharField(
                        blank=True, choices=[("accepted", "Accepted"), ("declined", "Declined")], max_length=10
                    ),
                ),
                ("answered_by", models.CharField(blank=True, max_length=80)),
                ("answered_at", models.DateTimeField(null=True)),
                ("new_order_no", models.CharField(blank=True, max_length=64)),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="offers", to="refunds.refundrequest"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("answer", "")), fields=("request",), name="one_open_offer_a_request"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("answer", ""), ("answered_at", None), ("new_order_no", "")),
                            models.Q(models.Q(("answer", ""), _negated=True), ("answered_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="offer_answered_at_a_time",
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="goodsreturn",
            index=models.Index(
                condition=models.Q(("state__in", ["awaited", "on_its_way"])), fields=["due_at"], name="return_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="goodsreturn",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ("awaited", "on_its_way", "received"))),
                fields=("request",),
                name="one_open_return_a_request",
            ),
        ),
        migrations.AddConstraint(
            model_name="goodsreturn",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("received_at__isnull", False), ("state__in", ("received", "inspected"))),
                    models.Q(models.Q(("state__in", ("received", "inspected")), _negated=True), ("received_at", None)),
                    _connector="OR",
                ),
                name="return_received_when_its_state_says",
            ),
        ),
        migrations.AddConstraint(
            model_name="goodsreturn",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("inspected_at__isnull", False), ("state", "inspected")),
                    models.Q(
                        models.Q(("state", "inspected"), _negated=True), ("inspected_at", None), ("proposed_fen", None)
                    ),
                    _connector="OR",
                ),
                name="return_inspected_when_its_state_says",
            ),
        ),
        migrations.AddConstraint(
            model_name="goodsreturn",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("proposed_fen", None),
                    models.Q(("proposed_fen__gt", 0), models.Q(("finding", ""), _negated=True)),
                    _connector="OR",
                ),
                name="return_proposal_has_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="goodsreturnline",
            constraint=models.CheckConstraint(condition=models.Q(("quantity__gt", 0)), name="return_line_positive"),
        ),
        migrations.AddConstraint(
            model_name="goodsreturnline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("condition__in", ["", "missing"]), ("disposition", "")),
                    models.Q(
                        models.Q(("condition__in", ["", "missing"]), _negated=True),
                        models.Q(("disposition", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="return_line_goes_somewhere",
            ),
        ),
        migrations.RunSQL(MOVES),
    ]
