"""A refund in review may wait for the provider of what failed."""

from importlib import import_module

from django.db import migrations

_WALLS = import_module("refunds.migrations.0002_walls")
_BEFORE = import_module("refunds.migrations.0010_goods_returns")

REQUEST_MOVES = (
    *_BEFORE.REQUEST_MOVES,
    ("in_review", "waiting_vendor"),
    ("waiting_vendor", "cancelled"),
    ("waiting_vendor", "in_review"),
    ("waiting_vendor", "refunded"),
)

MOVES = _BEFORE.MOVES.replace(_WALLS._pairs(_BEFORE.REQUEST_MOVES), _WALLS._pairs(REQUEST_MOVES))


class Migration(migrations.Migration):
    dependencies = [("refunds", "0090_erasable_words")]

    operations = [migrations.RunSQL(MOVES)]
