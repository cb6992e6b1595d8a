"""Asking a channel once more about a payout that it has paid, because the customer does not find the money."""

import logging
from datetime import datetime

from payment_channels.contract import CredentialsInvalid, Done, Outcome, ProfileInvalid, SecondLeg, Unknown
from refunds.models import Execution
from refunds.payouts import second_leg
from refunds.payouts.adapters import adapter_for
from refunds.payouts.asking import Answer
from refunds.payouts.settling import settle

logger = logging.getLogger(__name__)


def asked_again(execution: Execution, *, at: datetime) -> Outcome:
    """What the channel says of it now; ``execution`` comes with its sale and account. Call it outside of any transaction.

    What is new of the way to the bank is kept; where the channel takes back that it has paid, the sale is held.
    """
    account = execution.channel_account
    try:
        outcome = adapter_for(account.pk, account.revision).query_refund(second_leg.reference(execution))
    except (CredentialsInvalid, ProfileInvalid) as error:
        logger.warning("channel account %s cannot be used: %s", account.pk, error)
        return Unknown(code="account_unusable", message=str(error), remedy="check_keys")
    if not isinstance(outcome, Done):
        settle([Answer(execution.pk, execution.request_id, account.pk, outcome, "query")], at=at)
    elif execution.second_leg == SecondLeg.PENDING:
        second_leg.store(execution, outcome, at)
    return outcome
