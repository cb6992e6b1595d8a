"""Customers' names that are there already can be searched for, too."""

from django.db import migrations

from core.personal_data import name_hash

_AT_ONCE = 2_000


def hash_names(apps, schema_editor):
    requests = apps.get_model("refunds", "RefundRequest").objects.exclude(customer_name="")
    found = []
    for request in requests.only("customer_name").order_by("pk").iterator(chunk_size=_AT_ONCE):
        request.customer_name_hash = name_hash(request.customer_name)
        found.append(request)
        if len(found) >= _AT_ONCE:
            requests.bulk_update(found, ["customer_name_hash"])
            found = []
    requests.bulk_update(found, ["customer_name_hash"])


class Migration(migrations.Migration):
    dependencies = [("refunds", "0051_list_exports_and_names")]

    operations = [migrations.RunPython(hash_names, migrations.RunPython.noop)]
