"""Work that is handed out by itself: settings, what each reviewer takes, what was given to whom."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('merchants', '0060_sandbox'),
        ('refunds', '0110_message_carriers'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ReviewSettings',
            fields=[
                ('merchant', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='+', serialize=False, to='merchants.merchant')),
                ('assigns', models.BooleanField(default=False)),
                ('second_looks_percent', models.PositiveSmallIntegerField(default=3, validators=[django.core.validators.MaxValueValidator(100)])),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('second_looks_percent__lte', 100)), name='second_looks_are_a_share')],
            },
        ),
        migrations.CreateModel(
            name='Assignment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveIntegerField()),
                ('at', models.DateTimeField()),
                ('opened_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('merchant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='merchants.merchant')),
                ('request', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='refunds.refundrequest')),
                ('staff', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('ended_at', None), ('opened_at', None)), fields=['staff', 'at'], name='assignment_unopened')],
                'constraints': [models.UniqueConstraint(fields=('request', 'staff', 'version'), name='assigned_once_a_round')],
            },
        ),
        migrations.CreateModel(
            name='Reviewer',
            fields=[
                ('staff', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='reviewer', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('takes_work', models.BooleanField(default=True)),
                ('most_on_desk', models.PositiveSmallIntegerField(default=10)),
                ('reasons', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=30), blank=True, default=list, size=None)),
                ('languages', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=10), blank=True, default=list, size=None)),
                ('merchant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='merchants.merchant')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('most_on_desk__gte', 1), ('most_on_desk__lte', 100)), name='desk_holds_some')],
            },
        ),
    ]
