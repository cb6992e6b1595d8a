"""Merchants, their stores, staff, API keys, channel accounts and rules."""

import django.contrib.postgres.fields
from django.conf import settings
from django.db import migrations, models

import core.personal_data


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Merchant",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=20, unique=True)),
                ("name", models.CharField(max_length=80)),
                ("kind", models.CharField(choices=[("restaurant", "Restaurant"), ("retail", "Retail")], max_length=20)),
                ("created_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Store",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "merchant",
                    models.ForeignKey(on_delete=models.PROTECT, related_name="stores", to="merchants.merchant"),
                ),
                ("code", models.CharField(max_length=20)),
                ("name", models.CharField(max_length=80)),
                ("phone", models.CharField(blank=True, max_length=30)),
                ("opening_hours", models.CharField(blank=True, max_length=40)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("merchant", "code"), name="store_code_once")],
            },
        ),
        migrations.CreateModel(
            name="Staff",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "merchant",
                    models.ForeignKey(on_delete=models.PROTECT, related_name="staff", to="merchants.merchant"),
                ),
                ("username", models.CharField(max_length=60, unique=True)),
                ("name", models.CharField(max_length=60)),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("cashier", "Cashier"),
                            ("reviewer", "Reviewer"),
                            ("manager", "Manager"),
                            ("finance", "Finance"),
                            ("owner", "Owner"),
                        ],
                        max_length=20,
                    ),
                ),
                ("all_stores", models.BooleanField(default=False)),
                (
                    "till_codes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), blank=True, default=list, size=None
                    ),
                ),
                ("session_epoch", models.PositiveIntegerField(default=0)),
                ("is_active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField()),
                ("stores", models.ManyToManyField(blank=True, related_name="staff", to="merchants.store")),
            ],
        ),
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "merchant",
                    models.ForeignKey(on_delete=models.PROTECT, related_name="api_keys", to="merchants.merchant"),
                ),
                ("store", models.ForeignKey(blank=True, null=True, on_delete=models.PROTECT, to="merchants.store")),
                ("all_stores", models.BooleanField(default=False)),
                ("name", models.CharField(max_length=80)),
                ("prefix", models.CharField(max_length=12)),
                ("hash", models.BinaryField(max_length=32, unique=True)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("transactions:write", "Transactions Write"),
                                ("transactions:correct", "Transactions Correct"),
                                ("transactions:read", "Transactions Read"),
                                ("refunds:write", "Refunds Write"),
                                ("refunds:read", "Refunds Read"),
                                ("payouts:write", "Payouts Write"),
                                ("analytics:read", "Analytics Read"),
                                ("webhooks:write", "Webhooks Write"),
                            ],
                            max_length=30,
                        ),
                        size=None,
                    ),
                ),
                (
                    "signing_secret",
                    core.personal_data.SealedTextField(blank=True, default="", purpose="api_key.signing_secret"),
                ),
                ("rate_limit", models.PositiveIntegerField(blank=True, null=True)),
                ("created_by", models.ForeignKey(null=True, on_delete=models.PROTECT, to=settings.AUTH_USER_MODEL)),
                (
                    "replaces",
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
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("all_stores", False), ("store", None), _connector="OR"),
                        name="key_of_one_store_or_all",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ChannelAccount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "merchant",
                    models.ForeignKey(
                        on_delete=models.PROTECT, related_name="channel_accounts", to="merchants.merchant"
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="+",
                        to="merchants.store",
                    ),
                ),
                ("channel", models.CharField(max_length=20)),
                ("code", models.CharField(max_length=40, unique=True)),
                ("base_url", models.URLField()),
                ("profile_overrides", models.JSONField(default=dict)),
                (
                    "sealed_credentials",
                    core.personal_data.SealedTextField(blank=True, default="", purpose="channel_account.credentials"),
                ),
                ("revision", models.PositiveIntegerField(default=1)),
                ("is_active", models.BooleanField(default=True)),
                ("used_from", models.DateTimeField(blank=True, null=True)),
                ("used_until", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_active", True)),
                        fields=("merchant", "channel", "store"),
                        nulls_distinct=False,
                        name="one_active_account_per_channel",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PolicyVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "merchant",
                    models.ForeignKey(
                        on_delete=models.PROTECT, related_name="policy_versions", to="merchants.merchant"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("name", models.CharField(max_length=80)),
                ("rules", models.JSONField()),
                ("effective_from", models.DateTimeField()),
                ("published_at", models.DateTimeField()),
                ("published_by", models.ForeignKey(null=True, on_delete=models.PROTECT, to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "indexes": [models.Index(fields=["merchant", "-effective_from"], name="policy_in_force")],
                "constraints": [models.UniqueConstraint(fields=("merchant", "number"), name="policy_number_once")],
            },
        ),
    ]
