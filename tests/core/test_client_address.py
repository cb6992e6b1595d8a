"""Whose address counts, with none, one and two proxies of our own in front."""

from __future__ import annotations

import pytest
from pytest_django.fixtures import Settings

from core.client_address import client_address, network_of


@pytest.mark.parametrize(
    ("proxies", "header", "address"),
    [
        (0, "", "10.0.0.1"),
        (0, "198.51.100.1", "10.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        # What the caller wrote stands before what the proxy appended.
        (1, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (1, "10.0.0.1,, 203.0.113.9:41952 ", "203.0.113.9"),
        (2, "198.51.100.1, 203.0.113.9, 10.0.0.7", "203.0.113.9"),
        # Past the outermost proxy: what the inner one saw.
        (2, "203.0.113.9", "203.0.113.9"),
        # Never the proxy's own.
        (1, "", ""),
        (1, "203.0.113.9, unknown", ""),
    ],
)
def test_client_address_when_so_many_proxies_are_trusted_is_what_the_outermost_saw(
    settings: Settings, proxies: int, header: str, address: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    meta = {"REMOTE_ADDR": "10.0.0.1"} | ({"HTTP_X_FORWARDED_FOR": header} if header else {})
    assert client_address(meta) == address


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]:443", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("203.0.113.9", "203.0.113.9"),
        ("", ""),
        ("unix:", ""),
        ("127.1", ""),
    ],
)
def test_network_of_when_ipv6_is_the_whole_64(text: str, network: str) -> None:
    assert network_of(text) == network
