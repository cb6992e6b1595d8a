"""Payments that stand in for one that is not there, and the paper with a deposit's terms."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('terminals', '0006_deposit'),
    ]

    operations = [
        migrations.AddField(
            model_name='deposit',
            name='document_path',
            field=models.CharField(blank=True, db_default='', default='', max_length=80),
        ),
        migrations.AddField(
            model_name='deposit',
            name='document_sha256',
            field=models.CharField(blank=True, db_default='', default='', max_length=64),
        ),
        migrations.AddField(
            model_name='deposit',
            name='document_type',
            field=models.CharField(blank=True, db_default='', default='', max_length=40),
        ),
        migrations.AlterField(
            model_name='transaction',
            name='kind',
            field=models.CharField(choices=[('sale', 'Sale'), ('deposit', 'Deposit'), ('no_receipt', 'Sale that was not found'), ('compensation', 'Compensation')], default='sale', max_length=20),
        ),
    ]
