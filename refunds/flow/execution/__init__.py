"""Stage 4, execution: carry approved refunds to their channel, once.

Three steps, and no network call inside a database transaction: ``claim`` takes due payouts under a lease and stores that they
are being sent; ``ask`` talks to the channel; ``settle`` writes down what the channel proved. The loop that joins them is
``refunds.drain``. A payout that was being sent when its worker died is asked about before anything is sent again, and always
under the number it already has.
"""

from __future__ import annotations

from refunds.flow.execution.asking import Answer, ask
from refunds.flow.execution.claiming import Claimed, claim
from refunds.flow.execution.settling import FOLLOW_UP_AFTER, NOT_STORABLE, settle
from refunds.flow.execution.waking import wake

__all__ = ["FOLLOW_UP_AFTER", "NOT_STORABLE", "Answer", "Claimed", "ask", "claim", "settle", "wake"]
