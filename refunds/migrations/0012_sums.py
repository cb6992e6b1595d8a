"""Counters of what is approved without a person, the number of refunds a sale holds, one form of a slip's number.

What is there already is counted: refunds that a sale holds, what of an order was approved by rule, orders of which one was
rejected. Payouts by hand whose numbers are the same but for case and blanks stay; the first of them has the number.
"""

from importlib import import_module

import django.db.models.deletion
from django.db import migrations, models

from core.plain_text import reference_key

COUNT = """
UPDATE terminals_transaction t SET live_refunds = q.live FROM
  (SELECT transaction_id, count(*) AS live FROM refunds_refundrequest WHERE reserved_fen > 0 GROUP BY transaction_id) q
 WHERE q.transaction_id = t.id;

INSERT INTO refunds_runningsum (key, merchant_id, kind, day, count, fen, asked_fen, closed)
SELECT t.merchant_id || ' order ' || to_char(t.paid_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD') || ' ' || t.store_id || ' ' || t.order_no,
       min(t.merchant_id), 'order', min((t.paid_at AT TIME ZONE 'Asia/Shanghai')::date),
       count(*) FILTER (WHERE r.by_rule), coalesce(sum(r.approved_fen) FILTER (WHERE r.by_rule), 0), 0,
       bool_or(r.state = 'rejected' OR EXISTS (SELECT FROM refunds_approval a
                                                WHERE a.request_id = r.id AND a.decision = 'reject'))
  FROM refunds_refundrequest r JOIN terminals_transaction t ON t.id = r.transaction_id GROUP BY 1;
"""


def _slips(apps, _schema_editor):
    payouts = apps.get_model("refunds", "Execution").objects
    taken = set()
    by_hand = payouts.filter(proof_source="person").exclude(channel_refund_no="").order_by("created_at", "pk")
    for pk, account_id, number in by_hand.values_list("pk", "channel_account_id", "channel_refund_no"):
        key = (account_id, reference_key(number))
        if key[1] and key not in taken:
            taken.add(key)
            payouts.filter(pk=pk).update(reference_key=key[1])


def _extend_wall(_apps, schema_editor):
    import_module("refunds.migrations.0011_second_wall").extend_wall(schema_editor.connection, "refunds_runningsum")


class Migration(migrations.Migration):

    dependencies = [
        ('merchants', '0004_payouts_scope'),
        ('refunds', '0011_second_wall'),
        ('terminals', '0003_sums'),
    ]

    operations = [
        migrations.CreateModel(
            name='RunningSum',
            fields=[
                ('key', models.TextField(db_collation='C', primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=10)),
                ('day', models.DateField()),
                ('count', models.IntegerField(default=0)),
                ('fen', models.BigIntegerField(default=0)),
                ('asked_fen', models.BigIntegerField(default=0)),
                ('count_limit', models.BigIntegerField(null=True)),
                ('fen_limit', models.BigIntegerField(null=True)),
                ('closed', models.BooleanField(default=False)),
            ],
        ),
        migrations.AddField(
            model_name='approval',
            name='role',
            field=models.CharField(blank=True, db_default='', default='', max_length=20),
        ),
        migrations.AddField(
            model_name='execution',
            name='reference_key',
            field=models.TextField(blank=True, db_collation='C', db_default='', default=''),
        ),
        migrations.AddConstraint(
            model_name='execution',
            constraint=models.UniqueConstraint(condition=models.Q(('reference_key', ''), _negated=True), fields=('channel_account', 'reference_key'), name='reference_once'),
        ),
        migrations.AddField(
            model_name='runningsum',
            name='merchant',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to='merchants.merchant'),
        ),
        migrations.AddConstraint(
            model_name='runningsum',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('count_limit__isnull', True), ('count__lte', models.F('count_limit')), _connector='OR'), models.Q(('fen_limit__isnull', True), ('fen__lte', models.F('fen_limit')), _connector='OR')), name='running_sum_within_limit'),
        ),
        migrations.RunSQL(COUNT, migrations.RunSQL.noop),
        migrations.RunPython(_slips, migrations.RunPython.noop),
        migrations.RunPython(_extend_wall, migrations.RunPython.noop),
    ]
