"""Where a webhook may go: nowhere but to the public internet, whatever its address looks like."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest
from pytest_django import Settings

from integrations import addresses
from integrations.addresses import AddressRefused, look_up, post
from tests.integrations.rig import listening

_INSIDE = [
    "127.0.0.1", "127.1", "0", "0.0.0.0",  # noqa: S104
     "10.0.0.1", "172.16.3.4", "192.168.1.1", "100.64.0.1", "169.254.169.254",
    "0xA9FEA9FE", "2852039166", "0251.0376.0251.0376", "192.0.2.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1",
    "[::1]", "[::]", "[fe80::1]", "[fd00::1]", "[ff02::1]", "[::ffff:169.254.169.254]", "[::ffff:10.0.0.1]", "[2002:7f00:1::]",
    "[2002:a00:1::1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::7f00:1]", "[2001:db8::1]", "localhost",
    "[fec0::1]", "[::7f00:1]", "[::a00:1]", "[::ffff:0:a00:1]", "[4000::1]",
]  # fmt: skip


@pytest.mark.parametrize("host", _INSIDE)
def test_look_up_when_the_address_is_not_public_refuses_it(host: str) -> None:
    with pytest.raises(AddressRefused):
        look_up(f"https://{host}/hook")


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.216.34/", "ftp://93.184.216.34/", "file:///etc/passwd", "gopher://93.184.216.34/", "//93.184.216.34/",
        "https://", "https:///hook", "https://a:b@93.184.216.34/", "https://93.184.216.34#@127.0.0.1/", "https://93.184.216.34/#x",
        "https://93.184.216.34:99999/", "https://93.184.216.34:x/", "https://93.184.216.34/a b", "https://93.184.216.34/\r\nX: 1",
        "https://[::1", "https://exämple.com/", "https://93.184.216.34\\@127.0.0.1/", "", "hook", "javascript:alert(1)",
        "https://no-such-host.invalid/", "https://" + "a" * 70 + ".com/",
    ],
)  # fmt: skip
def test_look_up_when_the_url_is_none_of_https_refuses_it(url: str) -> None:
    with pytest.raises(AddressRefused):
        look_up(url)


def test_look_up_keeps_path_query_and_the_address_of_a_public_host() -> None:
    target = look_up("https://93.184.216.34:8443/hook?till=1")
    assert (target.ip, target.port, target.host, target.path) == (
        "93.184.216.34",
        8443,
        "93.184.216.34",
        "/hook?till=1",
    )
    assert target.encrypted
    assert look_up("https://[2606:2800:220:1:248:1893:25c8:1946]").path == "/"


def _resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Names lead to these addresses, one list a look-up; the last one stays."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[tuple[Any, ...]]:
        if host[0].isdigit():
            found = [host]
        else:
            asked.append(host)
            found = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_look_up_when_one_of_several_addresses_is_inside_refuses_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    _resolving(monkeypatch, ["93.184.216.34", "10.0.0.1"])
    with pytest.raises(AddressRefused):
        look_up("https://hooks.example.com/")


def test_post_when_the_name_leads_inside_by_now_calls_nobody(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    with listening() as receiver:
        settings.WEBHOOKS_TO_LOOPBACK = False
        _resolving(monkeypatch, ["127.0.0.1"])
        port = receiver.url.rsplit(":", 1)[1]
        result = post(f"https://hooks.example.com:{port}", body=b"{}", headers={})
        assert (result.status, result.arrived) == (0, False)
        assert not receiver.calls


def test_post_looks_up_once_and_calls_the_address_that_it_looked_at(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.WEBHOOKS_TO_LOOPBACK = True
    with listening() as receiver:
        port = receiver.url.rsplit(":", 1)[1].split("/")[0]
        asked = _resolving(monkeypatch, ["127.0.0.1"], ["10.0.0.1"])
        result = post(f"http://hooks.example.com:{port}/hook", body=b"{}", headers={"x-one": "1"})
        assert (result.status, result.said, result.arrived) == (200, "heard", True)
        assert [host for host in asked if host == "hooks.example.com"] == ["hooks.example.com"]
        ((headers, body),) = receiver.calls
        assert (headers["host"], headers["x-one"], body) == (f"hooks.example.com:{port}", "1", b"{}")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_post_when_the_answer_leads_elsewhere_does_not_follow(settings: Settings, status: int) -> None:
    settings.WEBHOOKS_TO_LOOPBACK = True
    with listening() as elsewhere, listening(answer=lambda: status, headers={"Location": elsewhere.url}) as receiver:
        result = post(receiver.url, body=b"{}", headers={})
        assert (result.status, result.arrived) == (status, False)
        assert not elsewhere.calls


def test_post_when_nobody_listens_says_so(settings: Settings) -> None:
    settings.WEBHOOKS_TO_LOOPBACK = True
    result = post("http://127.0.0.1:9/", body=b"{}", headers={})
    assert result.status == 0
    assert "refused" in result.said.lower()


def test_post_when_the_answer_drips_is_cut_off(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WEBHOOKS_TO_LOOPBACK = True
    monkeypatch.setattr(addresses, "TIMEOUT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                try:
                    for _ in range(200):
                        connection.sendall(b"HTTP/1.1 200 OK\r\n"[:1])
                        time.sleep(0.05)
                except OSError:
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        result = post(f"http://127.0.0.1:{server.getsockname()[1]}/", body=b"{}", headers={})
        dripping.join(30)
    assert result.status == 0
    assert result.ms < 5_000


def test_post_when_the_answer_is_large_or_no_text_keeps_its_beginning(settings: Settings) -> None:
    settings.WEBHOOKS_TO_LOOPBACK = True
    with listening() as receiver:
        receiver.headers = {"X-Filler": "x"}
        assert post(receiver.url, body=b"{}" * 10_000, headers={}).said == "heard"
