"""A refund's time may be extended, and runs out once."""

from importlib import import_module

from django.db import migrations, models

_WALLS = import_module("refunds.migrations.0002_walls")
_BEFORE = import_module("refunds.migrations.0003_verifying_rests")

REQUEST_MOVES = (*_BEFORE.REQUEST_MOVES, ("in_review", "in_review"))

MOVES = _BEFORE.MOVES.replace(_WALLS._pairs(_BEFORE.REQUEST_MOVES), _WALLS._pairs(REQUEST_MOVES))


class Migration(migrations.Migration):
    dependencies = [("merchants", "0004_hours_and_grace"), ("refunds", "0004_judgement")]

    operations = [
        migrations.AddField("refundrequest", "extended_until", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("refundrequest", "escalated_at", models.DateTimeField(blank=True, null=True)),
        migrations.RunSQL(MOVES),
    ]
