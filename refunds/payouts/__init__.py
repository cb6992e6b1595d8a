"""Stage 4, execution: carry approved refunds to their channel, once.

Three steps, and no network call inside a database transaction: ``claim`` takes due payouts under a lease and stores that they
are being sent; ``ask`` talks to the channel; ``settle`` writes down what the channel proved. The loop that joins them is
``refunds.payouts.loop``. A payout that was being sent when its worker died is asked about before anything is sent again, and
always under the number it already has.
"""

from refunds.payouts.asking import Answer, ask
from refunds.payouts.claiming import Claimed, claim
from refunds.payouts.settling import FOLLOW_UP_AFTER, NOT_STORABLE, settle
from refunds.payouts.waking import wake

__all__ = ["FOLLOW_UP_AFTER", "NOT_STORABLE", "Answer", "Claimed", "ask", "claim", "settle", "wake"]
