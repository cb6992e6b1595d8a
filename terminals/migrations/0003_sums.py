"""How many refunds a sale holds, bounded by what its channel takes (docs/adr/0028)."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('merchants', '0004_payouts_scope'),
        ('terminals', '0003_rights_who_reported'),
    ]

    operations = [
        migrations.AddField(
            model_name='transaction',
            name='live_refunds',
            field=models.IntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='transaction',
            name='live_refunds_limit',
            field=models.IntegerField(blank=True, null=True),
        ),
        migrations.AddConstraint(
            model_name='transaction',
            constraint=models.CheckConstraint(condition=models.Q(('live_refunds__gte', 0), models.Q(('live_refunds_limit__isnull', True), ('live_refunds__lte', models.F('live_refunds_limit')), _connector='OR')), name='transaction_within_refund_count'),
        ),
    ]
