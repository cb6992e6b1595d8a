"""The ledger, bills, their lines, the days and their differences; what closed days and the ledger do not allow."""

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


WALLS = """
CREATE FUNCTION refunds_ledger_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the ledger only grows: post the reverse instead' USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER refunds_ledger_only_grows BEFORE UPDATE OR DELETE ON refunds_ledgerentry
  FOR EACH STATEMENT EXECUTE FUNCTION refunds_ledger_only_grows();

CREATE FUNCTION refunds_closed_day_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the day is closed: reopen it first' USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER refunds_closed_day_stays BEFORE UPDATE ON refunds_reconciliationday
  FOR EACH ROW WHEN (OLD.state = 'closed' AND NEW.state = 'closed') EXECUTE FUNCTION refunds_closed_day_stays();

CREATE TRIGGER refunds_closed_day_remains BEFORE DELETE ON refunds_reconciliationday
  FOR EACH ROW WHEN (OLD.state = 'closed') EXECUTE FUNCTION refunds_closed_day_stays();

CREATE FUNCTION refunds_difference_of_open_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT state FROM refunds_reconciliationday WHERE id = NEW.day_id) = 'closed' THEN
    RAISE EXCEPTION 'the day is closed: reopen it first' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER refunds_difference_of_open_day BEFORE INSERT OR UPDATE ON refunds_difference
  FOR EACH ROW EXECUTE FUNCTION refunds_difference_of_open_day();
"""

#: Payouts proven before there was a ledger; what the merchants' fees were then is not known.
BACKFILL = """
INSERT INTO refunds_ledgerentry (merchant_id, channel_account_id, execution_id, kind, account, amount_fen, booked_at)
SELECT e.merchant_id, e.channel_account_id, e.id, 'payout', side.account, side.amount_fen, e.ended_at
  FROM refunds_execution e
 CROSS JOIN LATERAL (VALUES ('refunds_payable', e.amount_fen), ('channel_clearing', -e.amount_fen)) side (account, amount_fen)
 WHERE e.state = 'succeeded'
"""

REVERSE = """
DROP TRIGGER refunds_difference_of_open_day ON refunds_difference;
DROP FUNCTION refunds_difference_of_open_day();
DROP TRIGGER refunds_closed_day_remains ON refunds_reconciliationday;
DROP TRIGGER refunds_closed_day_stays ON refunds_reconciliationday;
DROP FUNCTION refunds_closed_day_stays();
DROP TRIGGER refunds_ledger_only_grows ON refunds_ledgerentry;
DROP FUNCTION refunds_ledger_only_grows();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0002_policy_versions_are_fixed"),
        ("refunds", "0003_method_reason"),
        ("terminals", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Bill",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField()),
                (
                    "source",
                    models.CharField(
                        choices=[("download", "Downloaded"), ("upload", "Uploaded by hand")], max_length=10
                    ),
                ),
                ("sha256", models.CharField(max_length=64)),
                ("size", models.PositiveBigIntegerField()),
                ("refunds", models.PositiveIntegerField()),
                ("refunds_fen", models.BigIntegerField()),
                ("fees_fen", models.BigIntegerField()),
                ("imported_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="BillLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("line", models.PositiveIntegerField()),
                ("kind", models.CharField(max_length=20)),
                ("order_no", models.CharField(db_collation="C", max_length=64)),
                ("channel_transaction_no", models.CharField(db_collation="C", max_length=64)),
                ("refund_no", models.CharField(db_collation="C", max_length=64)),
                ("channel_refund_no", models.CharField(db_collation="C", max_length=64)),
                ("amount_fen", models.BigIntegerField()),
                ("fee_fen", models.BigIntegerField()),
                ("accepted_at", models.DateTimeField(blank=True, null=True)),
                ("succeeded_at", models.DateTimeField(blank=True, null=True)),
                ("state", models.CharField(max_length=40)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("matched", "Matched"),
                            ("amount_differs", "Amount differs"),
                            ("ours_only", "Only with us"),
                            ("channel_only", "Only at the channel"),
                            ("pending", "Not known yet"),
                        ],
                        default="channel_only",
                        max_length=20,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Difference",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.CharField(db_collation="C", max_length=80)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("matched", "Matched"),
                            ("amount_differs", "Amount differs"),
                            ("ours_only", "Only with us"),
                            ("channel_only", "Only at the channel"),
                            ("pending", "Not known yet"),
                        ],
                        max_length=20,
                    ),
                ),
                ("ours_fen", models.BigIntegerField(null=True)),
                ("bill_fen", models.BigIntegerField(null=True)),
                ("opened_at", models.DateTimeField()),
                (
                    "resolution",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("accepted", "Accepted as it is"),
                            ("corrected", "Corrected on our side"),
                            ("channel_error", "The channel's error, reported"),
                            ("other_system", "Belongs to another system"),
                            ("adopted", "Adopted as a refund"),
                            ("cleared", "Cleared by a later comparison"),
                        ],
                        max_length=20,
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=500)),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="LedgerEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("payout", "Refund paid"),
                            ("fee", "Fee of the refunded part"),
                            ("compensation", "Compensation paid"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "account",
                    models.CharField(
                        choices=[
                            ("refunds_payable", "Refunds payable"),
                            ("channel_clearing", "Channel clearing"),
                            ("channel_fees", "Channel fees"),
                            ("fees_lost", "Fees lost to refunds"),
                            ("compensation", "Compensation"),
                        ],
                        max_length=20,
                    ),
                ),
                ("amount_fen", models.BigIntegerField()),
                ("booked_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="ReconciliationDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("date", models.DateField()),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Not closed"), ("closed", "Day closed")], default="open", max_length=10
                    ),
                ),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("last_error", models.CharField(blank=True, max_length=60)),
                ("last_error_message", models.CharField(blank=True, max_length=300)),
                ("compared_at", models.DateTimeField(blank=True, null=True)),
                ("ours_count", models.PositiveIntegerField(default=0)),
                ("ours_fen", models.BigIntegerField(default=0)),
                ("bill_count", models.PositiveIntegerField(default=0)),
                ("bill_fen", models.BigIntegerField(default=0)),
                ("matched", models.PositiveIntegerField(default=0)),
                ("amount_differs", models.PositiveIntegerField(default=0)),
                ("ours_only", models.PositiveIntegerField(default=0)),
                ("channel_only", models.PositiveIntegerField(default=0)),
                ("pending", models.PositiveIntegerField(default=0)),
                ("open_differences", models.PositiveIntegerField(default=0)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                ("reopen_note", models.CharField(blank=True, max_length=500)),
            ],
        ),
        migrations.AlterField(
            model_name="execution",
            name="refund_no",
            field=models.CharField(db_collation="C", max_length=64),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=django.contrib.postgres.indexes.BrinIndex(
                autosummarize=True, fields=["first_sent_at"], name="execution_sent_brin", pages_per_range=32
            ),
        ),
        migrations.AddField(
            model_name="bill",
            name="imported_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="billline",
            name="bill",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="lines", to="refunds.bill"
            ),
        ),
        migrations.AddField(
            model_name="billline",
            name="execution",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                db_constraint=False,
                related_name="bill_lines",
                to="refunds.execution",
            ),
        ),
        migrations.AddField(
            model_name="difference",
            name="channel_account",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, to="merchants.channelaccount"
            ),
        ),
        migrations.AddField(
            model_name="difference",
            name="execution",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                db_constraint=False,
                related_name="differences",
                to="refunds.execution",
            ),
        ),
        migrations.AddField(
            model_name="difference",
            name="line",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="differences",
                to="refunds.billline",
            ),
        ),
        migrations.AddField(
            model_name="difference",
            name="merchant",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="merchants.merchant"),
        ),
        migrations.AddField(
            model_name="difference",
            name="owner",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="difference",
            name="resolved_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="ledgerentry",
            name="channel_account",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                to="merchants.channelaccount",
            ),
        ),
        migrations.AddField(
            model_name="ledgerentry",
            name="execution",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="ledger_entries",
                to="refunds.execution",
            ),
        ),
        migrations.AddField(
            model_name="ledgerentry",
            name="merchant",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                to="merchants.merchant",
            ),
        ),
        migrations.AddField(
            model_name="reconciliationday",
            name="bill",
            field=models.OneToOneField(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="refunds.bill"
            ),
        ),
        migrations.AddField(
            model_name="reconciliationday",
            name="channel_account",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="merchants.channelaccount"),
        ),
        migrations.AddField(
            model_name="reconciliationday",
            name="closed_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="reconciliationday",
            name="merchant",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="merchants.merchant"),
        ),
        migrations.AddField(
            model_name="difference",
            name="day",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="differences",
                to="refunds.reconciliationday",
            ),
        ),
        migrations.AddField(
            model_name="bill",
            name="day",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="versions", to="refunds.reconciliationday"
            ),
        ),
        migrations.AddIndex(
            model_name="billline",
            index=models.Index(fields=["bill", "outcome", "id"], name="bill_line_outcome"),
        ),
        migrations.AddConstraint(
            model_name="billline",
            constraint=models.UniqueConstraint(fields=("bill", "line"), name="bill_line_once"),
        ),
        migrations.AddConstraint(
            model_name="billline",
            constraint=models.UniqueConstraint(
                condition=models.Q(("execution__isnull", False)), fields=("execution",), name="execution_on_one_line"
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgerentry",
            constraint=models.UniqueConstraint(fields=("execution", "kind", "account"), name="ledger_posted_once"),
        ),
        migrations.AddConstraint(
            model_name="ledgerentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_fen", 0), _negated=True), name="ledger_amount_not_zero"
            ),
        ),
        migrations.AddIndex(
            model_name="reconciliationday",
            index=models.Index(fields=["merchant", "-date"], name="day_newest"),
        ),
        migrations.AddIndex(
            model_name="reconciliationday",
            index=models.Index(condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="day_due"),
        ),
        migrations.AddConstraint(
            model_name="reconciliationday",
            constraint=models.UniqueConstraint(fields=("channel_account", "date"), name="one_day_per_account"),
        ),
        migrations.AddConstraint(
            model_name="reconciliationday",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("bill__isnull", False),
                        ("closed_at__isnull", False),
                        ("closed_by__isnull", False),
                        ("due_at__isnull", True),
                        ("state", "closed"),
                    ),
                    models.Q(("closed_at__isnull", True), ("closed_by__isnull", True), ("state", "open")),
                    _connector="OR",
                ),
                name="day_closed_by_somebody",
            ),
        ),
        migrations.AddIndex(
            model_name="difference",
            index=models.Index(
                condition=models.Q(("resolution", "")), fields=["channel_account", "opened_at"], name="difference_open"
            ),
        ),
        migrations.AddConstraint(
            model_name="difference",
            constraint=models.UniqueConstraint(fields=("day", "number"), name="difference_once_a_day"),
        ),
        migrations.AddConstraint(
            model_name="difference",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("resolution", ""), ("resolved_at__isnull", True)),
                    models.Q(models.Q(("resolution", ""), _negated=True), ("resolved_at__isnull", False)),
                    _connector="OR",
                ),
                name="difference_resolved_at_some_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="difference",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("bill_fen__isnull", False), ("kind", "amount_differs"), ("ours_fen__isnull", False)),
                    models.Q(("bill_fen__isnull", True), ("kind", "ours_only"), ("ours_fen__isnull", False)),
                    models.Q(("bill_fen__isnull", False), ("kind", "channel_only")),
                    _connector="OR",
                ),
                name="difference_has_its_sides",
            ),
        ),
        migrations.AddConstraint(
            model_name="bill",
            constraint=models.UniqueConstraint(fields=("day", "version"), name="bill_version_once"),
        ),
        migrations.RunSQL(BACKFILL, migrations.RunSQL.noop),
        migrations.RunSQL(WALLS, REVERSE),
    ]
