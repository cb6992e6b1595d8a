"""A refund that was withdrawn after the channel had refused it may be proven paid."""

from importlib import import_module

from django.db import migrations

_WALLS = import_module("refunds.migrations.0002_walls")
_BEFORE = import_module("refunds.migrations.0100_waiting_vendor")

REQUEST_MOVES = (*_BEFORE.REQUEST_MOVES, ("cancelled", "refunded"))

MOVES = _BEFORE.MOVES.replace(_WALLS._pairs(_BEFORE.REQUEST_MOVES), _WALLS._pairs(REQUEST_MOVES))


class Migration(migrations.Migration):
    dependencies = [("refunds", "0244_counts_without_checks")]

    operations = [migrations.RunSQL(MOVES, _BEFORE.MOVES)]
