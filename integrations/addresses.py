"""Where a webhook may go, and the call itself: to an address of the public internet, looked up once and then kept to.

Asked when an endpoint is saved and again at each call: a name that leads outside today may lead to our own network tomorrow.
The connection is made to the address that was looked at, whatever the name says a moment later, and follows nobody elsewhere.
"""

import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from django.conf import settings
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from core.errors import FieldError, Invalid

#: A call that is not over by then is cut off, however the other side spends the time.
TIMEOUT_S = 15.0
_CONNECT_S = 5.0
_ANSWER_BYTES = 2_000
#: IPv4 addresses in IPv6's clothes, as a network's own translator takes them off again.
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
#: What of IPv6 is given out to the internet. Beside it lie networks' own addresses of older forms (fec0::/10, ::a00:1).
_GIVEN_OUT = IPv6Network("2000::/3")


class AddressRefused(Invalid):
    """Nothing is sent there."""

    code = "webhook_url_refused"

    def __init__(self, why: str) -> None:
        super().__init__(why, errors=[FieldError("url", self.code, why)])


@dataclass(frozen=True, slots=True)
class Target:
    """A URL with the address that it led to."""

    ip: str
    port: int
    host: str
    path: str
    encrypted: bool


@dataclass(frozen=True, slots=True)
class Result:
    """How a call ended: ``status`` 0 without an answer, ``said`` the beginning of the answer or why there is none."""

    status: int
    said: str
    ms: int

    @property
    def arrived(self) -> bool:
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


def look_up(url: str) -> Target:
    """Where the URL leads at this moment. Raises ``AddressRefused``."""
    if not url.isascii() or any(c <= " " or c in "\\\x7f" for c in url):
        raise AddressRefused("the URL has characters that a URL cannot have")
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise AddressRefused("the URL cannot be read") from error
    if parts.scheme != "https" and not (parts.scheme == "http" and settings.WEBHOOKS_TO_LOOPBACK):
        raise AddressRefused("the URL must begin with https://")
    if not parts.hostname or "@" in parts.netloc or parts.fragment:
        raise AddressRefused("the URL needs a host, and has neither a password nor a fragment")
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressRefused("the host has no address") from error
    addresses = [ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    # All of them: whoever has one inside and one outside would choose by chance.
    if not addresses or not all(map(_is_public, addresses)):
        raise AddressRefused("the host is not on the public internet")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(str(addresses[0]), port, parts.hostname, path, parts.scheme == "https")


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if any(address in network for network in _TRANSLATED):
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(inner)
    if address.is_loopback:
        return bool(settings.WEBHOOKS_TO_LOOPBACK)
    if isinstance(address, IPv6Address) and address not in _GIVEN_OUT:
        return False
    return address.is_global and not address.is_multicast


def post(url: str, *, body: bytes, headers: Mapping[str, str]) -> Result:
    """Send it; never raises for what the other side does. An answer that leads elsewhere is a failure."""
    began = time.monotonic()
    try:
        status, said = _exchange(look_up(url), body, headers)
    except AddressRefused as error:
        status, said = 0, error.message
    except (OSError, HTTPError, HTTPException, ValueError) as error:
        status, said = 0, f"{type(error).__name__}: {error}"
    printable = "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in said)
    return Result(status, printable[:_ANSWER_BYTES], round((time.monotonic() - began) * 1000))


def _exchange(target: Target, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
    connection = HTTPConnection(target.ip, target.port, timeout=_CONNECT_S)
    if target.encrypted:
        # Its certificate is checked for the name, though the address is what is called.
        connection = HTTPSConnection(
            target.ip,
            target.port,
            timeout=_CONNECT_S,
            server_hostname=target.host,
            assert_hostname=target.host,
            cert_reqs="CERT_REQUIRED",
        )
    usual = 443 if target.encrypted else 80
    host = f"[{target.host}]" if ":" in target.host else target.host
    cut_off = threading.Timer(TIMEOUT_S, _hang_up, [connection])
    cut_off.start()
    try:
        connection.connect()
        if connection.sock is not None:
            connection.sock.settimeout(TIMEOUT_S)
        named = {**headers, "Host": host if target.port == usual else f"{host}:{target.port}"}
        connection.request("POST", target.path, body=body, headers=named, preload_content=False)
        answer = connection.getresponse()
        return answer.status, answer.read(_ANSWER_BYTES).decode("utf-8", "replace")
    finally:
        cut_off.cancel()
        connection.close()


def _hang_up(connection: HTTPConnection) -> None:
    if (sock := connection.sock) is not None:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # over by itself
