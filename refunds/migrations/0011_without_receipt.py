"""What customers agree to, compensations beside deposits, and cases without a receipt."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('merchants', '0005_delegation'),
        ('refunds', '0010_goods_returns'),
        ('terminals', '0007_standing_in'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Compensation',
            fields=[
                ('request', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='compensation', serialize=False, to='refunds.refundrequest')),
                ('payout', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='compensates', to='refunds.refundrequest')),
            ],
        ),
        migrations.CreateModel(
            name='Agreement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('amount_fen', models.BigIntegerField(null=True)),
                ('until', models.DateTimeField(null=True)),
                ('agreed_by', models.CharField(max_length=60)),
                ('means', models.CharField(choices=[('in_store', 'In the store'), ('phone', 'By phone'), ('message', 'By message'), ('signed', 'Signed on paper')], max_length=20)),
                ('agreed_at', models.DateTimeField()),
                ('words', models.CharField(blank=True, max_length=500)),
                ('recorded_by', models.CharField(max_length=80)),
                ('recorded_at', models.DateTimeField()),
                ('request', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='agreements', to='refunds.refundrequest')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(("amount_fen__gt", 0), ("amount_fen__isnull", False), ('until__isnull', True)), models.Q(('amount_fen__isnull', True), ('until__isnull', False)), _connector='OR'), name='agreement_on_amount_or_time')],
            },
        ),
        migrations.CreateModel(
            name='NoReceiptCase',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('channel', models.CharField(blank=True, max_length=20)),
                ('kind', models.CharField(choices=[('missing_slip', 'The till printed no slip'), ('lost_receipt', 'The customer has no receipt')], max_length=20)),
                ('state', models.CharField(choices=[('open', 'Being looked for'), ('found', 'Sale found'), ('fallback', 'Refund without a sale'), ('closed', 'Closed')], default='open', max_length=20)),
                ('told', models.JSONField()),
                ('note', models.CharField(blank=True, max_length=500)),
                ('confirmed_by', models.CharField(blank=True, max_length=80)),
                ('confirmed_at', models.DateTimeField(null=True)),
                ('confirmed_facts', models.JSONField(default=list)),
                ('reprinted_by', models.CharField(blank=True, max_length=80)),
                ('reprinted_at', models.DateTimeField(null=True)),
                ('due_at', models.DateTimeField()),
                ('opened_by', models.CharField(max_length=80)),
                ('opened_at', models.DateTimeField()),
                ('cause', models.CharField(blank=True, choices=[('printer', 'Printer or paper'), ('till', 'Till or its software'), ('network', 'Network or channel'), ('staff', 'Not handed out'), ('customer', 'Lost by the customer'), ('no_sale', 'There was no such sale'), ('other', 'Other')], max_length=20)),
                ('prevention', models.CharField(blank=True, max_length=500)),
                ('third_party', models.CharField(blank=True, max_length=500)),
                ('closed_by', models.CharField(blank=True, max_length=80)),
                ('closed_at', models.DateTimeField(null=True)),
                ('merchant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to='merchants.merchant')),
                ('owner', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('request', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='no_receipt_case', to='refunds.refundrequest')),
                ('sale', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='terminals.transaction')),
                ('store', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to='merchants.store')),
                ('terminal', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to='terminals.terminal')),
            ],
            options={
                'indexes': [models.Index(fields=['merchant', 'opened_at', 'id'], name='no_receipt_opened')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', False), ('state', 'closed'), models.Q(('cause', ''), _negated=True), models.Q(('prevention', ''), _negated=True)), models.Q(models.Q(('state', 'closed'), _negated=True), ('closed_at__isnull', True)), _connector='OR'), name='case_closes_with_cause'), models.CheckConstraint(condition=models.Q(('sale__isnull', True), models.Q(('confirmed_at__isnull', False), models.Q(('confirmed_by', ''), _negated=True)), _connector='OR'), name='case_sale_is_confirmed')],
            },
        ),
    ]
