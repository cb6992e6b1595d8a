"""A request may rest in ``verifying`` while its channel is asked about the payment."""

from importlib import import_module

from django.db import migrations, models

_WALLS = import_module("refunds.migrations.0002_walls")

REQUEST_MOVES = (
    *_WALLS.REQUEST_MOVES,
    ("failed", "verifying"),
    ("needs_info", "verifying"),
    ("rejected", "cancelled"),
    ("rejected", "verifying"),
    ("verifying", "approved"),
    ("verifying", "cancelled"),
    ("verifying", "in_review"),
)

_STORED = [
    "verifying",
    "needs_info",
    "waiting_goods",
    "waiting_vendor",
    "in_review",
    "approved",
    "rejected",
    "cancelled",
    "executing",
    "unknown",
    "manual_pending",
    "failed",
    "partially_refunded",
    "refunded",
    "follow_up",
    "closed",
]

# The function alone: the trigger calls it by its name.
MOVES = _WALLS.REQUESTS_MOVE_AS_ALLOWED.replace(_WALLS._pairs(_WALLS.REQUEST_MOVES), _WALLS._pairs(REQUEST_MOVES))
MOVES = MOVES[: MOVES.index("CREATE TRIGGER")].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


class Migration(migrations.Migration):
    dependencies = [("refunds", "0002_walls")]

    operations = [
        migrations.RemoveConstraint("refundrequest", "request_stored_once_judged"),
        migrations.AddConstraint(
            "refundrequest",
            models.CheckConstraint(condition=models.Q(state__in=_STORED), name="request_stored_once_judged"),
        ),
        migrations.RunSQL(MOVES),
    ]
