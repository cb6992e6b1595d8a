"""HTTP as all adapters need it: one kept pool, no redirects, no retries, bounded in time and size.

A transport error is never an answer about the refund: each becomes ``Unknown`` in one place.
"""

import functools
import logging
import re
import threading
import traceback
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep
from typing import BinaryIO, Concatenate, Final, Generic, ParamSpec, Protocol, Self, TypeVar
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as PoolTimeoutError

from payment_channels import clock
from payment_channels.contract import NoticeRejected, Refused, Unknown
from payment_channels.parsing import Unreadable
from payment_channels.profile import Profile
from payment_channels.rsa_keys import SignatureInvalid
from payment_channels.rules import blame_clock

logger = logging.getLogger(__name__)

MAX_REPLY_BYTES = 1_000_000
_CHUNK_BYTES = 65_536

P = ParamSpec("P")
S = TypeVar("S", bound="Signing")
R = TypeVar("R")
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer as it came: header names in lower case, the body undecoded."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def said(self) -> str:
        """What came, for people to read: one short line without mark-up and control characters, also of a page in GBK."""
        return f"HTTP {self.status}: {plain(self.body)}"


def plain(body: bytes) -> str:
    """The beginning of what came, as one line for people: without mark-up, control characters and whole card numbers."""
    head = body[:4_000]
    utf8 = head.decode("utf-8", "ignore")
    # Cut short or not, a page in UTF-8 loses three bytes at most.
    whole = utf8 if len(head) - len(utf8.encode()) < 4 else head.decode("gb18030", "replace")
    text = "".join(character if character.isprintable() else " " for character in _MARK_UP.sub(" ", whole))
    return _CARD.sub(r"\1****\2", " ".join(text.split())[:160])


#: Head, scripts and tags of a page that some gateway puts in the channel's place.
_MARK_UP: Final = re.compile(r"<(script|style|head)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_CARD: Final = re.compile(r"(?<![0-9])([0-9]{6})[0-9]{3,9}([0-9]{4})(?![0-9])", re.ASCII)
#: A clock that is wrong is said once in this time, not once an answer.
_CLOCK_ALARM_EVERY_S = 600.0


class TransportFailed(Exception):
    """No whole answer came. ``code`` is ``timeout``, ``connection`` or ``too_large``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def outcome(self) -> Unknown:
        """What it means for a refund: nothing is proven."""
        return Unknown(code=self.code, message=self.message)


class ServerError(Exception):
    """The channel answered with an HTTP status that carries no answer of its own."""


@dataclass(frozen=True)
class Answer(Generic[B]):
    """An answer whose signature was checked: its values, and its raw text as proof."""

    body: B
    raw: str


def proven(ask: Callable[[], Answer[B]], read: Callable[[Answer[B]], R]) -> R | Unknown:
    """Ask and read; an answer that cannot be read proves nothing."""
    raw = ""
    try:
        answer = ask()
        raw = answer.raw
        return read(answer)
    except Unreadable as error:
        return unreadable(error, raw=raw)


def unreadable(error: Unreadable, *, raw: str) -> Unknown:
    """What a signed answer of another form proves: nothing. The cause may stand in it, so that a person reads what it says."""
    return Unknown(code="unreadable", message=f"{error}; {plain(raw.encode())}" if raw else str(error), raw=raw)


class _Pace:
    """Spreads calls evenly: each caller takes the next free moment and sleeps until then."""

    def __init__(self, per_second: int) -> None:
        self._gap_s = 1 / per_second if per_second else 0.0
        self._lock = threading.Lock()
        self._free_at = 0.0

    def wait(self) -> None:
        if not self._gap_s:
            return
        with self._lock:
            now = monotonic()
            mine = max(now, self._free_at)
            self._free_at = mine + self._gap_s
        sleep(mine - now)


class Transport:
    """A kept pool of connections to one channel. Safe to use from many threads at once."""

    def __init__(
        self,
        *,
        base_url: str,
        timeout_s: float,
        connect_timeout_s: float,
        pool_size: int,
        max_per_second: int = 0,
        now: clock.Clock = clock.utc_now,
    ) -> None:
        """``base_url`` may carry a path, which goes before every target. ``max_per_second`` 0: no limit."""
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("base_url must be an http(s) address without query")
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.prefix = parts.path.rstrip("/")
        self._timeout_s = timeout_s
        self._timeout = urllib3.Timeout(connect=connect_timeout_s, read=timeout_s)
        self._pool = urllib3.connection_from_url(self.origin, maxsize=pool_size, block=False, retries=False)
        self._pace = _Pace(max_per_second)
        self._elsewhere = urllib3.PoolManager(num_pools=4, retries=False)
        self._now = now
        #: Whether the last answer's Date differs from our clock by minutes.
        self.clock_is_off = False
        self._clock_alarm_at = -_CLOCK_ALARM_EVERY_S

    @classmethod
    def to(cls, base_url: str, *, profile: Profile, now: clock.Clock) -> Self:
        """As the account's profile says."""
        return cls(
            base_url=base_url,
            timeout_s=profile.timeout_s,
            connect_timeout_s=profile.connect_timeout_s,
            pool_size=profile.pool_size,
            max_per_second=profile.max_per_second,
            now=now,
        )

    def send(
        self,
        *,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        max_bytes: int = MAX_REPLY_BYTES,
    ) -> Reply:
        """Send one request to ``prefix + target`` and read the whole answer. Raises ``TransportFailed``."""
        self._pace.wait()
        deadline = monotonic() + self._timeout_s
        try:
            response = self._opened(self._pool, method, self.prefix + target, headers, body)
            try:
                content = b"".join(_bounded(response, max_bytes=max_bytes, deadline=deadline))
            except BaseException:
                response.close()  # what is left unread must not reach the next request on this connection
                raise
        except (HTTPError, OSError) as error:
            raise _failure(error) from error
        given = {name.lower(): value for name, value in response.headers.items()}
        self._compare_clocks(given)
        return Reply(response.status, given, _unpacked(content, given.get("content-encoding", ""), max_bytes=max_bytes))

    def _compare_clocks(self, headers: Mapping[str, str]) -> None:
        gap = clock.ahead(headers, at=self._now())
        self.clock_is_off = clock.is_off(gap)
        if self.clock_is_off and monotonic() - self._clock_alarm_at >= _CLOCK_ALARM_EVERY_S:
            self._clock_alarm_at = monotonic()
            logger.error("clock: ours and that of %s differ by %.0f s", self.origin, gap.total_seconds())

    def download(
        self, *, url: str, into: BinaryIO, headers: Mapping[str, str], max_bytes: int, timeout_s: float
    ) -> int:
        """Stream a file at an absolute address into ``into``; return the HTTP status. Raises ``TransportFailed``.

        Anything but 200 leaves ``into`` empty. Where the channel is reached by TLS, so must the file be.
        """
        if self.origin.startswith("https:") and not url.startswith("https:"):
            raise TransportFailed("connection", "the file's address is not https")
        deadline = monotonic() + timeout_s
        try:
            response = self._opened(self._elsewhere, "GET", url, headers)
            try:
                if response.status == 200:
                    for chunk in _bounded(response, max_bytes=max_bytes, deadline=deadline):
                        into.write(chunk)
            finally:
                response.close()
        except (HTTPError, OSError) as error:
            raise _failure(error) from error
        return response.status

    def _opened(
        self,
        pool: urllib3.HTTPConnectionPool | urllib3.PoolManager,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> urllib3.BaseHTTPResponse:
        """Neither redirects nor retries; the body is read by whoever asked."""
        how = {"redirect": False, "retries": False, "preload_content": False, "decode_content": False}
        return pool.urlopen(method, url, body=body, headers=dict(headers), timeout=self._timeout, **how)

    @contextmanager
    def checking(self, reply: Reply) -> Iterator[None]:
        """Let what cannot be read say what came instead, and a signature that does not fit whether the clocks are to blame."""
        try:
            yield
        except Unreadable as error:
            raise Unreadable(f"{error}; {reply.said()}") from error
        except SignatureInvalid as error:
            error.said = reply.said()
            error.clock_is_off |= self.clock_is_off
            raise

    def close(self) -> None:
        """Give the kept connections back."""
        self._pool.close()
        self._elsewhere.clear()


def _bounded(response: urllib3.BaseHTTPResponse, *, max_bytes: int, deadline: float) -> Iterator[bytes]:
    """Read a body piece by piece: a server that drips a byte now and then must not hold a thread for ever."""
    declared = response.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise TransportFailed("too_large", "the answer is too large")
    size = 0
    while chunk := response.read1(_CHUNK_BYTES, decode_content=False):
        size += len(chunk)
        if size > max_bytes:
            raise TransportFailed("too_large", "the answer is too large")
        if monotonic() > deadline:
            raise TransportFailed("timeout", "the answer did not end in time")
        yield chunk


def _unpacked(content: bytes, encoding: str, *, max_bytes: int) -> bytes:
    """An answer that a gateway packed although nobody asked for that: signatures are over what is in it. As it came where it is
    not what its header says.
    """
    if encoding.strip().lower() not in ("gzip", "x-gzip", "deflate"):
        return content
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # gzip's and zlib's own form
    try:
        found = unpacker.decompress(content, max_bytes + 1)
    except zlib.error:
        return content
    if len(found) > max_bytes:
        raise TransportFailed("too_large", "the answer is too large")
    return found if unpacker.eof else content


def _failure(error: Exception) -> TransportFailed:
    """Name an error by what it was, without the address (it may carry a token)."""
    late = isinstance(error, PoolTimeoutError | TimeoutError) and not isinstance(error, NewConnectionError)
    code = "timeout" if late else "connection"
    return TransportFailed(code, type(error).__name__)


@contextmanager
def opening_notice() -> Iterator[None]:
    """Around a call back that is read: one that does not prove its origin or cannot be read raises ``NoticeRejected``."""
    try:
        yield
    except SignatureInvalid as error:
        raise NoticeRejected(error.code, error.message) from error
    except Unreadable as error:
        raise NoticeRejected("unreadable", str(error)) from error


class Signing(Protocol):
    """What signs with our clock: an adapter."""

    @property
    def clock_is_off(self) -> bool:
        """Whether the channel's last answer says that our clock is wrong."""
        ...


def always_an_outcome(
    ask: Callable[Concatenate[S, P], R],
) -> Callable[Concatenate[S, P], R | Refused | Unknown]:
    """Keep the contract's word that an adapter never raises, even where we made a mistake; and name a wrong clock of ours as
    that, whatever is asked.

    The journey must be able to store an outcome for every send; the mistake itself goes to the log, without
    the message's content.
    """

    @functools.wraps(ask)
    def guarded(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R | Refused | Unknown:
        try:
            outcome = ask(self, *args, **kwargs)
            return blame_clock(outcome) if self.clock_is_off else outcome
        except TransportFailed as failure:
            return failure.outcome()
        except SignatureInvalid as error:
            return error.outcome()
        except ServerError as error:
            return Unknown(code="server_error", message=str(error))
        except Exception as error:
            # Where, not what: an exception's own text may quote a card number.
            where = "".join(traceback.format_tb(error.__traceback__))
            logger.error("%s raised %s\n%s", ask.__qualname__, type(error).__name__, where)  # noqa: TRY400 - not the text of the error
            return Unknown(code="adapter_error", message=type(error).__name__)

    return guarded
