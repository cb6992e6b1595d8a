"""What an error code proves: the type of every channel's table, and how it is read."""

from __future__ import annotations

from dataclasses import dataclass

from payment_channels.contract import Outcome, Refused, Retry, Unknown

#: After these the number may be sent again, so that it does not matter whether an earlier send arrived.
_HARMLESS = (Retry.SAME_NUMBER, Retry.AFTER_TOP_UP, Retry.AFTER_MENDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a refusal's code proves. ``retry`` None: nothing. ``remedy`` is a key of ``remedies.REMEDIES``."""

    retry: Retry | None
    remedy: str = ""
    throttled: bool = False


def outcome_of(rule: Rule | None, *, code: str, message: str, raw: str, maybe_received: bool) -> Outcome:
    """The outcome of an application that was refused with ``code``.

    A refusal speaks of this attempt. Where an earlier one may have arrived (``RefundOrder.maybe_received``), it
    does not prove that the number never will move money, and only the harmless refusals stay refusals.
    """
    if rule is None or rule.retry is None:
        return Unknown(code=code, message=message, remedy=rule.remedy if rule else "", raw=raw)
    if maybe_received and rule.retry not in _HARMLESS:
        return Unknown(code=code, message=message, remedy=rule.remedy, raw=raw)
    return Refused(code=code, message=message, retry=rule.retry, throttled=rule.throttled, remedy=rule.remedy, raw=raw)
