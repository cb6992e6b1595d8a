"""What a channel's code proves: the type of every channel's table, and how it is read."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from payment_channels.contract import Outcome, Refused, Retry, Unknown

R = TypeVar("R")

#: After these the number may be sent again, so that it does not matter whether an earlier send arrived.
_HARMLESS = (Retry.SAME_NUMBER, Retry.LATER, Retry.AFTER_TOP_UP, Retry.AFTER_MENDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a code proves, and in a few words what it means.

    ``retry`` None: nothing is proven, the query decides. ``remedy`` is a key of ``remedies.REMEDIES``.
    """

    meaning: str
    retry: Retry | None
    remedy: str = ""
    throttled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeList:
    """The codes that a vendor documents for one of its operations, by our reading of them; ``source`` is its page."""

    operation: str
    source: str
    codes: Collection[str]
    rules: Mapping[str, Rule]


def never(meaning: str, remedy: str) -> Rule:
    """Refused for good: a person must change something first."""
    return Rule(meaning=meaning, retry=Retry.NEVER, remedy=remedy)


def later(meaning: str) -> Rule:
    """Not accepted now: the same number goes out again by itself, a limited number of times."""
    return Rule(meaning=meaning, retry=Retry.LATER, remedy="later")


def slow_down(meaning: str) -> Rule:
    """Not accepted because we ask too often."""
    return Rule(meaning=meaning, retry=Retry.SAME_NUMBER, remedy="slow_down", throttled=True)


def top_up(meaning: str) -> Rule:
    """Not accepted for want of money; goes on by itself after a top-up."""
    return Rule(meaning=meaning, retry=Retry.AFTER_TOP_UP, remedy="top_up")


def mend(meaning: str, remedy: str) -> Rule:
    """Of our account and not of the refund: the next one would be refused alike. Somebody is alarmed; then it goes on."""
    return Rule(meaning=meaning, retry=Retry.AFTER_MENDING, remedy=remedy)


def ask(meaning: str, remedy: str = "") -> Rule:
    """No proof either way: the query decides."""
    return Rule(meaning=meaning, retry=None, remedy=remedy)


def outcome_of(rule: Rule | None, *, code: str, message: str, raw: str, maybe_received: bool) -> Outcome:
    """The outcome of an application that was refused with ``code``; a code that no table has proves nothing.

    A refusal speaks of this attempt. Where an earlier one may have arrived (``RefundOrder.maybe_received``), it
    does not prove that the number never will move money, and only the harmless refusals stay refusals.
    """
    if rule is None or rule.retry is None:
        return Unknown(code=code, message=message, remedy=rule.remedy if rule else "unlisted_code", raw=raw)
    if maybe_received and rule.retry not in _HARMLESS:
        return Unknown(code=code, message=message, remedy=rule.remedy, raw=raw)
    return Refused(code=code, message=message, retry=rule.retry, throttled=rule.throttled, remedy=rule.remedy, raw=raw)


def blame_clock(outcome: R) -> R | Refused | Unknown:
    """The same where our clock is known to be wrong: a signature that is not accepted fails by its time, a question's too."""
    if isinstance(outcome, Refused | Unknown) and outcome.remedy == "check_keys":
        return replace(outcome, remedy="check_clock")
    return outcome
