"""Customers' names that are set wide, 王　敏, are found as 王敏: those that are there already, too."""

from importlib import import_module

from django.db import migrations

hash_names = import_module("refunds.migrations.0052_hash_names").hash_names


class Migration(migrations.Migration):
    dependencies = [("refunds", "0210_refused_by_bank")]

    operations = [migrations.RunPython(hash_names, migrations.RunPython.noop)]
