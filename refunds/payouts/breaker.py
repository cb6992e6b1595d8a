"""A circuit breaker per channel account: one that is down, or that refuses us, gets one probe at a time and slows nobody else.

Each drain loop judges by what it saw itself; what it found is also written to Redis, where the desk reads it.
"""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import redis

from core.redis_client import client
from payment_channels.contract import Outcome, Refused, Retry, Unknown

logger = logging.getLogger(__name__)

#: Failures in a row that open the circuit.
OPENS_AFTER = 5
#: Seconds until the next probe, by how many have failed; the last one repeats. A short fault is over soon, a long one is not
#: made worse by asking.
PROBE_AFTER_S = (1.0, 2.0, 3.0, 5.0)
#: How long the desk believes what was written about an open circuit: longer than a probe that times out.
_MARK_KEPT_S = 40

#: Outcomes that speak of the channel's health rather than of one refund.
_ILL = frozenset({"timeout", "connection", "server_error", "bad_signature", "unreadable"})


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    open: bool = False
    probe_at: float = 0.0
    probes: int = 0


@dataclass(slots=True)
class Breakers:
    """The circuits of one drain loop."""

    _circuits: dict[int, _Circuit] = field(default_factory=dict)

    def note(self, account_id: int, outcome: Outcome) -> bool:
        """Learn from an answer: enough failures in a row open the circuit, any real answer closes it.

        Returns whether the circuit has closed just now, so that what waited for it can go on.
        """
        circuit = self._circuits.setdefault(account_id, _Circuit())
        if _is_ill(outcome):
            circuit.failures += 1
            if circuit.failures >= OPENS_AFTER:
                self._open(account_id, circuit, outcome)
            return False
        self._circuits[account_id] = _Circuit()
        if not circuit.open:
            return False
        logger.warning("channel account %s answers again", account_id)
        _tell(account_id, is_silent=False)
        return True

    def _open(self, account_id: int, circuit: _Circuit, outcome: Outcome) -> None:
        if not circuit.open:
            trouble = "does not answer" if isinstance(outcome, Unknown) else "refuses our keys or permissions"
            logger.error("channel account %s %s (%s); single probes from now on", account_id, trouble, _code(outcome))
            circuit.open = True
            circuit.probe_at = time.monotonic() + PROBE_AFTER_S[0]
        # One that refuses our keys does answer: the desk hears of it by what is held (desk.queue.trouble).
        _tell(account_id, is_silent=isinstance(outcome, Unknown))

    def open_accounts(self) -> list[int]:
        """Accounts from which nothing but probes may be taken."""
        return [account_id for account_id, circuit in self._circuits.items() if circuit.open]

    def due_probes(self) -> list[int]:
        """Open accounts whose next probe is due; asking counts as sending it."""
        now, due = time.monotonic(), []
        for account_id, circuit in self._circuits.items():
            if circuit.open and circuit.probe_at <= now:
                circuit.probes += 1
                circuit.probe_at = now + PROBE_AFTER_S[min(circuit.probes, len(PROBE_AFTER_S) - 1)]
                due.append(account_id)
        return due


def _is_ill(outcome: Outcome) -> bool:
    if isinstance(outcome, Unknown):
        # What came signed and has words that we do not know is an answer all the same.
        return outcome.code in _ILL and not outcome.raw
    return isinstance(outcome, Refused) and outcome.retry is Retry.AFTER_MENDING


def _code(outcome: Outcome) -> str:
    return outcome.code if isinstance(outcome, Unknown | Refused) else ""


def _tell(account_id: int, *, is_silent: bool) -> None:
    try:
        if is_silent:
            client().set(f"breaker:{account_id}", int(time.time()), ex=_MARK_KEPT_S)
        else:
            client().delete(f"breaker:{account_id}")
    except redis.RedisError as error:
        logger.warning("the desk cannot be told about channel account %s: %s", account_id, error)


def down(account_ids: Iterable[int]) -> set[int]:
    """Those of the accounts whose circuit is open at this moment, for the desk; none when Redis does not answer."""
    wanted = list(account_ids)
    if not wanted:
        return set()
    try:
        marks = client().mget([f"breaker:{account_id}" for account_id in wanted])
    except redis.RedisError:
        return set()
    return {account_id for account_id, mark in zip(wanted, marks, strict=True) if mark}
