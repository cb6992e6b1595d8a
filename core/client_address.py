"""Where a request comes from, for counting who tries too often."""

import ipaddress
import logging
from collections.abc import Mapping
from typing import Any

from django.conf import settings

logger = logging.getLogger(__name__)

#: An IPv6 customer is given at least a /64 of their own: anything smaller is one caller with many addresses.
_IPV6_NETWORK = 64


def client_address(meta: Mapping[str, Any]) -> str:
    """The caller's address out of a request's ``META``, "" when the proxy did not write it down; an IPv6 one as its /64.

    Each of our ``TRUSTED_PROXIES`` appends whom it was called by to ``X-Forwarded-For``. The entry that the outermost of
    them wrote is the caller; all before it anybody can have written. Without a trusted proxy the header counts for nothing.
    """
    hops = settings.TRUSTED_PROXIES
    if hops < 1:
        return network_of(str(meta.get("REMOTE_ADDR", "")))
    entries = [entry.strip() for entry in str(meta.get("HTTP_X_FORWARDED_FOR", "")).split(",") if entry.strip()]
    # With fewer entries than proxies the call came in behind the outermost: the first entry is still a proxy's of ours.
    found = network_of(entries[-min(hops, len(entries))]) if entries else ""
    if not found:
        # The proxy's own address would throw all of its callers into one.
        logger.warning("no client address in X-Forwarded-For: does the proxy set it? TRUSTED_PROXIES is %s", hops)
    return found


def network_of(text: str) -> str:
    """One caller's address or network; "" for what is none. Ports that some proxies append are dropped."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return str(ipaddress.ip_network((address, _IPV6_NETWORK), strict=False))
        return str(address.ipv4_mapped)
    return str(address)
