"""What wakes the workers for the desk: a task loads nothing, decides nothing."""

from core.periodic import periodic
from desk.exports import making
from refunds.review import exporting


@periodic(exporting.TASK)
def exports() -> None:
    making.work()
