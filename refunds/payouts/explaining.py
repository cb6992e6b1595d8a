"""Why a channel refuses where it says no more than that less is left of the payment: what its statements know is not known here.

The room that reads statements stands above this one and says what it does with such refusals (``reconciliation.apps``).
"""

from collections.abc import Callable, Collection
from typing import Final
from uuid import UUID

#: Each is called with the payouts that were refused so, in the transaction that writes the refusals down.
EXPLAINS: Final[list[Callable[[Collection[UUID]], None]]] = []
