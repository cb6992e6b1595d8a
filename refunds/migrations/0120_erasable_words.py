from django.db import migrations


class Migration(migrations.Migration):
    """The triggers that keep whole rows go; those that leave the people's words erasable are made after migrating."""

    dependencies = [
        ("refunds", "0080_updated_after"),
    ]

    operations = [
        migrations.RunSQL(
            """
DROP TRIGGER IF EXISTS refunds_agreement_append_only ON refunds_agreement;
DROP TRIGGER IF EXISTS refunds_approval_append_only ON refunds_approval;
""",
            migrations.RunSQL.noop,
        ),
    ]
