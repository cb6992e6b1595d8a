"""Codes shown at tills for a scan, shifts and their lines."""

import django.contrib.postgres.indexes
import django.db.models.deletion
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('merchants', '0007_settings'),
        ('refunds', '0011_without_receipt'),
        ('terminals', '0008_heartbeat'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Shift',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('opened_at', models.DateTimeField()),
                ('opened_by', models.CharField(max_length=80)),
                ('float_fen', models.BigIntegerField()),
                ('closed_at', models.DateTimeField(null=True)),
                ('closed_by', models.CharField(blank=True, max_length=80)),
                ('expected_fen', models.BigIntegerField(null=True)),
                ('counted_fen', models.BigIntegerField(null=True)),
                ('note', models.CharField(blank=True, max_length=200)),
                ('unknown', models.JSONField(default=list)),
                ('handed_to', models.CharField(blank=True, max_length=60)),
            ],
        ),
        migrations.CreateModel(
            name='ShiftLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tender', models.CharField(max_length=20)),
                ('amount_fen', models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='TillAuthorisation',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('token_hash', models.BinaryField(max_length=32, unique=True)),
                ('version', models.PositiveIntegerField()),
                ('amount_fen', models.BigIntegerField()),
                ('asked_by', models.CharField(max_length=40)),
                ('asked_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('opened_at', models.DateTimeField(null=True)),
                ('decision', models.CharField(blank=True, choices=[('approve', 'Approved'), ('reject', 'Rejected'), ('request_info', 'Asked for more')], max_length=20)),
                ('decided_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddIndex(
            model_name='ledgerentry',
            index=django.contrib.postgres.indexes.BrinIndex(autosummarize=True, fields=['booked_at'], name='ledger_booked_brin', pages_per_range=32),
        ),
        migrations.AddField(
            model_name='shift',
            name='terminal',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='shifts', to='terminals.terminal'),
        ),
        migrations.AddField(
            model_name='shiftline',
            name='execution',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='refunds.execution'),
        ),
        migrations.AddField(
            model_name='shiftline',
            name='sale',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='terminals.transaction'),
        ),
        migrations.AddField(
            model_name='shiftline',
            name='shift',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='refunds.shift'),
        ),
        migrations.AddField(
            model_name='tillauthorisation',
            name='opened_by',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='tillauthorisation',
            name='request',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='till_authorisations', to='refunds.refundrequest'),
        ),
        migrations.AddField(
            model_name='tillauthorisation',
            name='terminal',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='terminals.terminal'),
        ),
        migrations.AddIndex(
            model_name='shift',
            index=models.Index(fields=['terminal', 'opened_at'], name='shift_of_terminal'),
        ),
        migrations.AddConstraint(
            model_name='shift',
            constraint=models.UniqueConstraint(condition=models.Q(('closed_at', None)), fields=('terminal',), name='one_open_shift_a_till'),
        ),
        migrations.AddConstraint(
            model_name='shift',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('closed_at', None), ('counted_fen', None), ('expected_fen', None)), models.Q(('closed_at__isnull', False), ('counted_fen__gte', 0), ('expected_fen__isnull', False)), _connector='OR'), name='shift_closed_with_count'),
        ),
        migrations.AddConstraint(
            model_name='shift',
            constraint=models.CheckConstraint(condition=models.Q(('float_fen__gte', 0)), name='shift_float_not_below_zero'),
        ),
        migrations.AddConstraint(
            model_name='shiftline',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('amount_fen__gt', 0), ('execution', None), ('sale__isnull', False)), models.Q(('amount_fen__lt', 0), ('execution__isnull', False), ('sale', None)), _connector='OR'), name='shift_line_is_a_sale_or_a_payout'),
        ),
        migrations.AddConstraint(
            model_name='tillauthorisation',
            constraint=models.CheckConstraint(condition=models.Q(('amount_fen__gt', 0)), name='till_authorisation_amount_positive'),
        ),
        migrations.AddConstraint(
            model_name='tillauthorisation',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_at', None), ('opened_at', None), ('opened_by', None)), models.Q(('opened_at__isnull', False), ('opened_by__isnull', False)), _connector='OR'), name='till_authorisation_opened_first'),
        ),
        migrations.AddConstraint(
            model_name='tillauthorisation',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_at', None), ('decision', '')), models.Q(('decided_at__isnull', False), models.Q(('decision', ''), _negated=True)), _connector='OR'), name='till_authorisation_decided_how'),
        ),
    ]
