"""Django makes an index for LIKE beside every key that is text; nobody looks for a counter by its beginning.

A migration of its own: the one that makes the table makes this index at its very end.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("refunds", "0012_sums")]

    operations = [
        migrations.RunSQL("DROP INDEX IF EXISTS refunds_runningsum_key_0749c4f0_like;", migrations.RunSQL.noop),
    ]
