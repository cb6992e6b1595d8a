"""Customers' names with a title behind them, 王敏女士, are found as 王敏: those that are there already, too."""

from importlib import import_module

from django.db import migrations

hash_names = import_module("refunds.migrations.0052_hash_names").hash_names


class Migration(migrations.Migration):
    dependencies = [("refunds", "0234_notice_amount")]

    operations = [migrations.RunPython(hash_names, migrations.RunPython.noop)]
