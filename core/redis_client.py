"""The Redis connection for small things that may be lost: wake-up messages, counters, marks, the cache.

Whatever asks Redis for one of them asks through here, under one circuit breaker a process: a broker that is frozen costs the
first callers a moment each, and those after them nothing until it answers again. Celery's own connections are its own.
"""

import logging
import os
import threading
import time
from functools import lru_cache
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

#: Far more than an answer takes that comes at all.
ANSWERS_WITHIN_S = 0.5
#: Failures in a row that open the circuit.
OPENS_AFTER = 2
#: Between two probes of a broker that does not answer. The first is sent at once: a restart leaves dead connections behind.
PROBE_EVERY_S = 1.0


class CircuitOpen(redis.RedisError):
    """The broker was not asked, as it did not answer others."""


class Circuit:
    """Opens after failures in a row. Then a thread probes, so that no caller has to, and closes it with the first answer."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """As in a process that has asked nothing yet."""
        self._failures = 0
        self.is_open = False

    def check(self) -> None:
        """Raises ``CircuitOpen`` while nobody is let through."""
        if self.is_open:
            raise CircuitOpen("circuit open: the broker does not answer")

    def succeeded(self) -> None:
        """An answer came."""
        self._failures = 0

    def failed(self, error: Exception) -> None:
        """None came, in time or at all."""
        with self._lock:
            self._failures += 1
            if self.is_open or self._failures < OPENS_AFTER:
                return
            self.is_open = True
        logger.warning("circuit open: the broker does not answer (%s); work goes on without it", error)
        threading.Thread(target=self._probe, name="broker-probe", daemon=True).start()

    def _probe(self) -> None:
        with redis.Redis.from_url(self._url, **_patience()) as probe:
            while not _answers(probe):
                time.sleep(PROBE_EVERY_S)
        self.reset()
        logger.warning("circuit closed: the broker answers again")


def _answers(probe: redis.Redis) -> bool:
    try:
        return bool(probe.ping())
    except redis.RedisError:
        return False


def _patience() -> dict[str, Any]:
    # Asked once and not again: a counter would count, and a mark be found, that the first time had made.
    retry = Retry(NoBackoff(), 0)
    return {"socket_timeout": ANSWERS_WITHIN_S, "socket_connect_timeout": ANSWERS_WITHIN_S, "retry": retry}


@lru_cache(maxsize=16)
def circuit_of(url: str) -> Circuit:
    """The circuit of the broker at this address, one a process."""
    made = Circuit(url)
    # The thread that probes does not live on in a child.
    os.register_at_fork(after_in_child=made.reset)
    return made


class _Guarded:
    """A connection that asks the circuit before it asks the broker, and tells it what came of it."""

    def __init__(self, *args: Any, circuit: Circuit, **kwargs: Any) -> None:
        self._circuit = circuit
        super().__init__(*args, **kwargs)

    def _connect(self) -> Any:
        self._circuit.check()
        try:
            return super()._connect()  # type: ignore[misc]  # untyped in the library
        except OSError as error:
            self._circuit.failed(error)
            raise

    def send_packed_command(self, *args: Any, **kwargs: Any) -> None:
        self._circuit.check()
        super().send_packed_command(*args, **kwargs)  # type: ignore[misc]  # untyped in the library

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        try:
            answer = super().read_response(*args, **kwargs)  # type: ignore[misc]  # untyped in the library
        except (redis.TimeoutError, redis.ConnectionError) as error:
            self._circuit.failed(error)
            raise
        self._circuit.succeeded()
        return answer


class _Connection(_Guarded, redis.Connection):
    pass


class _TLSConnection(_Guarded, redis.SSLConnection):
    pass


class _UnixConnection(_Guarded, redis.UnixDomainSocketConnection):
    pass


_CLASSES = {"redis": _Connection, "rediss": _TLSConnection, "unix": _UnixConnection}


def options(url: str) -> dict[str, Any]:
    """How a pool of connections to this address is made."""
    return {**_patience(), "connection_class": _CLASSES[url.partition("://")[0]], "circuit": circuit_of(url)}


@lru_cache(maxsize=1)
def client() -> redis.Redis:
    """One pool a process; calls fail quickly, and callers go on without."""
    return redis.Redis.from_url(settings.REDIS_URL, **options(settings.REDIS_URL))


def level_of(error: Exception) -> int:
    """How loud a caller says that it goes on without: the circuit has said once why all of them do."""
    return logging.DEBUG if isinstance(error, CircuitOpen) else logging.WARNING
