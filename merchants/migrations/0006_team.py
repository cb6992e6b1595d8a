"""People and their ways in: own limits and languages, invitations, resets by two people, browsers signed in."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('merchants', '0005_delegation'),
    ]

    operations = [
        migrations.CreateModel(
            name='AccessReset',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('password', 'Password'), ('second_factor', 'Second factor'), ('requirement', 'Second factor for everybody who decides')], max_length=20)),
                ('asked_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('confirmed_at', models.DateTimeField(null=True)),
                ('withdrawn_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('is_reset', models.BooleanField(default=False)),
                ('token_hash', models.BinaryField(max_length=32, unique=True)),
                ('made_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('used_at', models.DateTimeField(null=True)),
                ('revoked_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='StaffSession',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('session_key', models.CharField(max_length=40, unique=True)),
                ('epoch', models.PositiveIntegerField()),
                ('address', models.CharField(blank=True, max_length=60)),
                ('browser', models.CharField(blank=True, max_length=200)),
                ('factor', models.CharField(blank=True, max_length=20)),
                ('signed_in_at', models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name='merchant',
            name='requires_second_factor',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='staff',
            name='language',
            field=models.CharField(blank=True, db_default='', default='', max_length=10),
        ),
        migrations.AddField(
            model_name='staff',
            name='limit_fen',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddConstraint(
            model_name='staff',
            constraint=models.CheckConstraint(condition=models.Q(('limit_fen', None), ('limit_fen__gt', 0), _connector='OR'), name='staff_limit_positive'),
        ),
        migrations.AddField(
            model_name='accessreset',
            name='asked_by',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='accessreset',
            name='confirmed_by',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='accessreset',
            name='merchant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='merchants.merchant'),
        ),
        migrations.AddField(
            model_name='accessreset',
            name='staff',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='resets', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='invitation',
            name='made_by',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='invitation',
            name='merchant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='merchants.merchant'),
        ),
        migrations.AddField(
            model_name='invitation',
            name='staff',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='invitations', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='staffsession',
            name='merchant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='merchants.merchant'),
        ),
        migrations.AddField(
            model_name='staffsession',
            name='staff',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sessions', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddConstraint(
            model_name='accessreset',
            constraint=models.CheckConstraint(condition=models.Q(('confirmed_by', None), models.Q(('confirmed_by', models.F('asked_by')), _negated=True), _connector='OR'), name='reset_by_two_people'),
        ),
        migrations.AddConstraint(
            model_name='accessreset',
            constraint=models.CheckConstraint(condition=models.Q(('staff', None), models.Q(models.Q(('staff', models.F('asked_by')), _negated=True), models.Q(('confirmed_by', None), models.Q(('staff', models.F('confirmed_by')), _negated=True), _connector='OR')), _connector='OR'), name='reset_not_of_oneself'),
        ),
        migrations.AddConstraint(
            model_name='invitation',
            constraint=models.UniqueConstraint(condition=models.Q(('revoked_at', None), ('used_at', None)), fields=('staff',), name='invitation_one_open'),
        ),
    ]
