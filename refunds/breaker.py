"""A circuit breaker per channel account: a channel that is down gets one probe at a time, and slows nobody else.

Each drain loop judges by what it saw itself; what it found is also written to Redis, where the desk reads it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import redis

from payment_channels.contract import Outcome, Unknown
from refunds.broker import client

logger = logging.getLogger(__name__)

#: Failures in a row that open the circuit, and seconds until the next probe.
OPENS_AFTER, PROBE_EVERY_S = 5, 10.0

#: Outcomes that speak of the channel's health rather than of one refund.
_ILL = frozenset({"timeout", "connection", "server_error", "bad_signature", "unreadable"})


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    open: bool = False
    probe_at: float = 0.0


@dataclass(slots=True)
class Breakers:
    """The circuits of one drain loop."""

    _circuits: dict[int, _Circuit] = field(default_factory=dict)

    def note(self, account_id: int, outcome: Outcome) -> None:
        """Learn from an answer: enough failures in a row open the circuit, any real answer closes it."""
        circuit = self._circuits.setdefault(account_id, _Circuit())
        if isinstance(outcome, Unknown) and outcome.code in _ILL:
            circuit.failures += 1
            if circuit.failures >= OPENS_AFTER:
                self._open(account_id, circuit)
            return
        if circuit.open:
            logger.warning("channel account %s answers again", account_id)
            _tell(account_id, is_open=False)
        self._circuits[account_id] = _Circuit()

    def _open(self, account_id: int, circuit: _Circuit) -> None:
        if not circuit.open:
            logger.error(
                "channel account %s does not answer; one probe every %.0f s from now on", account_id, PROBE_EVERY_S
            )
        circuit.open, circuit.probe_at = True, time.monotonic() + PROBE_EVERY_S
        _tell(account_id, is_open=True)

    def open_accounts(self) -> list[int]:
        """Accounts from which nothing but probes may be taken."""
        return [account_id for account_id, circuit in self._circuits.items() if circuit.open]

    def due_probes(self) -> list[int]:
        """Open accounts whose next probe is due; asking counts as sending it."""
        now, due = time.monotonic(), []
        for account_id, circuit in self._circuits.items():
            if circuit.open and circuit.probe_at <= now:
                circuit.probe_at = now + PROBE_EVERY_S
                due.append(account_id)
        return due


def _tell(account_id: int, *, is_open: bool) -> None:
    try:
        if is_open:
            client().set(f"breaker:{account_id}", int(time.time()), ex=int(PROBE_EVERY_S * 4))
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
