"""The pool that all adapters share: bounded in time and size, no redirects, no retries."""

from __future__ import annotations

import gzip
import io
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from payment_channels.contract import Unknown
from payment_channels.transport import MAX_REPLY_BYTES, Reply, Transport, TransportFailed, always_an_outcome
from tests.payment_channels.server import Answer, LocalServer


@pytest.fixture
def transport(server: LocalServer) -> Iterator[Transport]:
    made = Transport(base_url=server.base_url, timeout_s=30, connect_timeout_s=30, pool_size=8)
    yield made
    made.close()


@pytest.fixture
def hasty(server: LocalServer) -> Iterator[Transport]:
    """One that waits for no answer for long; what does come would come too late on a busy machine."""
    made = Transport(base_url=server.base_url, timeout_s=0.4, connect_timeout_s=30, pool_size=8)
    yield made
    made.close()


def _fails(transport: Transport) -> str:
    with pytest.raises(TransportFailed) as failed:
        transport.send(method="GET", target="/", headers={})
    assert failed.value.outcome() == Unknown(code=failed.value.code, message=failed.value.message)
    return failed.value.code


def test_connections_are_kept(transport: Transport, server: LocalServer) -> None:
    server.respond = lambda asked: Answer(headers={"X-Seen": asked.headers["x-sent"]}, body=asked.body)

    for number in range(5):
        reply = transport.send(method="POST", target="/a?b=c", headers={"X-Sent": str(number)}, body=b"body")
        assert (reply.status, reply.headers["x-seen"], reply.body) == (200, str(number), b"body")

    assert server.connections == 1
    assert server.asked[0].target == "/a?b=c"


def test_path_of_the_base_address_goes_before_every_target(server: LocalServer) -> None:
    server.respond = lambda _: Answer()
    transport = Transport(base_url=f"{server.base_url}/gateway/api/", timeout_s=30, connect_timeout_s=30, pool_size=1)

    transport.send(method="GET", target="/x.do", headers={})

    assert server.asked[0].target == "/gateway/api/x.do"


def test_many_threads_get_their_own_answers(transport: Transport, server: LocalServer) -> None:
    server.respond = lambda asked: Answer(body=asked.body)

    with ThreadPoolExecutor(8) as threads:
        bodies = [str(number).encode() * 50 for number in range(200)]
        replies = list(
            threads.map(lambda body: transport.send(method="POST", target="/", headers={}, body=body), bodies)
        )

    assert [reply.body for reply in replies] == bodies


def test_redirects_are_not_followed(transport: Transport, server: LocalServer) -> None:
    server.respond = lambda _: Answer(status=307, headers={"Location": "/elsewhere"})

    assert transport.send(method="POST", target="/", headers={}, body=b"x").status == 307
    assert len(server.asked) == 1


def test_dropped_connection_is_not_tried_again(transport: Transport, server: LocalServer) -> None:
    server.respond = lambda _: Answer(drop=True)

    assert _fails(transport) == "connection"
    assert len(server.asked) == 1


def test_nobody_listening() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        # Bound and not listening: nobody else can get the port.
        transport = Transport(base_url=f"http://127.0.0.1:{port}", timeout_s=1, connect_timeout_s=1, pool_size=1)
        assert _fails(transport) == "connection"


def test_answer_that_does_not_come_is_a_timeout(hasty: Transport, server: LocalServer) -> None:
    asked_enough = threading.Event()

    def late(_: object) -> Answer:
        # Not a little later than we wait: on a busy machine both might be over when we look.
        assert asked_enough.wait(60)
        return Answer()

    server.respond = late
    try:
        assert _fails(hasty) == "timeout"
    finally:
        asked_enough.set()


def test_answer_that_drips_is_a_timeout(hasty: Transport, server: LocalServer) -> None:
    def drops() -> Iterator[bytes]:
        for _ in range(100):
            time.sleep(0.1)
            yield b"x"

    server.respond = lambda _: Answer(headers={"Content-Length": "100"}, chunks=drops())
    started = time.monotonic()

    assert _fails(hasty) == "timeout"
    # The drops take ten seconds together.
    assert time.monotonic() - started < 8


def test_answer_cut_short_is_a_connection_error(transport: Transport, server: LocalServer) -> None:
    server.respond = lambda _: Answer(headers={"Content-Length": "100"}, chunks=iter([b"half"]))

    assert _fails(transport) == "connection"


@pytest.mark.parametrize("declared", [True, False])
def test_answer_that_is_too_large_is_not_read(transport: Transport, server: LocalServer, declared: bool) -> None:
    length = {"Content-Length": str(MAX_REPLY_BYTES + 1)} if declared else {"Connection": "close"}
    server.respond = lambda _: Answer(headers=length, chunks=(b"x" * 65_536 for _ in range(20)))

    assert _fails(transport) == "too_large"
    server.respond = lambda _: Answer(body=b"next")
    assert transport.send(method="GET", target="/", headers={}).body == b"next"


def test_answer_of_exactly_the_limit_is_read(transport: Transport, server: LocalServer) -> None:
    server.respond = lambda _: Answer(body=b"x" * MAX_REPLY_BYTES)

    assert len(transport.send(method="GET", target="/", headers={}).body) == MAX_REPLY_BYTES


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("GZIP", gzip.compress), ("deflate", zlib.compress)]
)
def test_answer_that_a_gateway_packed_is_unpacked(
    transport: Transport, server: LocalServer, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    server.respond = lambda _: Answer(headers={"Content-Encoding": encoding}, body=pack(b'{"code":"10000"}'))

    assert transport.send(method="GET", target="/", headers={}).body == b'{"code":"10000"}'


def test_packed_answer_that_is_too_large_once_unpacked_is_not_read(transport: Transport, server: LocalServer) -> None:
    server.respond = lambda _: Answer(
        headers={"Content-Encoding": "gzip"}, body=gzip.compress(b"x" * (MAX_REPLY_BYTES + 1))
    )

    assert _fails(transport) == "too_large"


@pytest.mark.parametrize("body", [b"not really gzip", gzip.compress(b"cut short", mtime=0)[:-9]])
def test_answer_that_is_not_packed_as_it_says_is_left_as_it_is(
    transport: Transport, server: LocalServer, body: bytes
) -> None:
    server.respond = lambda _: Answer(headers={"Content-Encoding": "gzip"}, body=body)

    assert transport.send(method="GET", target="/", headers={}).body == body


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<html><title>访问被拒绝</title></html>".encode(), "访问被拒绝"),
        ("<html><title>访问被拒绝</title></html>".encode("gb18030"), "访问被拒绝"),
        (("x" + "拒" * 3000).encode(), f"x{'拒' * 159}"),
        (b"a\0b\x1b[31m\xe2\x80\xaec", "a b [31m c"),
    ],
)
def test_what_came_instead_is_said_in_one_readable_line(body: bytes, said: str) -> None:
    assert Reply(403, {}, body).said() == f"HTTP 403: {said}"


def test_garbage_instead_of_http(transport: Transport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def babble() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"\x00\x01\x02 what?\r\n\r\n")

        with ThreadPoolExecutor(1) as threads:
            threads.submit(babble)
            made = Transport(base_url=f"http://127.0.0.1:{port}", timeout_s=1, connect_timeout_s=1, pool_size=1)
            assert _fails(made) == "connection"


def test_download_streams_a_file(transport: Transport, server: LocalServer) -> None:
    server.respond = lambda _: Answer(body=b"x" * 200_000)
    file = io.BytesIO()

    status = transport.download(url=f"{server.base_url}/f", into=file, headers={}, max_bytes=200_000, timeout_s=30)

    assert (status, len(file.getvalue())) == (200, 200_000)


def test_download_that_is_not_there_leaves_nothing(transport: Transport, server: LocalServer) -> None:
    server.respond = lambda _: Answer(status=404, body=b"<html>")
    file = io.BytesIO()

    status = transport.download(url=f"{server.base_url}/f", into=file, headers={}, max_bytes=9, timeout_s=30)

    assert (status, file.getvalue()) == (404, b"")


def test_download_of_a_channel_with_tls_must_be_by_tls(server: LocalServer) -> None:
    transport = Transport(base_url="https://127.0.0.1:1", timeout_s=1, connect_timeout_s=1, pool_size=1)

    with pytest.raises(TransportFailed):
        transport.download(url=f"{server.base_url}/f", into=io.BytesIO(), headers={}, max_bytes=9, timeout_s=1)

    assert server.asked == []


def test_mistake_of_ours_becomes_an_unknown_outcome_and_its_text_stays_out_of_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken:
        clock_is_off = False

        @always_an_outcome
        def refund(self, card: str) -> Unknown:
            raise KeyError(card)

    assert Broken().refund("6222020200112233") == Unknown(code="adapter_error", message="KeyError")
    assert "KeyError" in caplog.text
    assert "6222020200112233" not in caplog.text


def test_calls_keep_the_pace_of_the_contract_also_from_many_threads(server: LocalServer) -> None:
    server.respond = lambda _: Answer(body=b"{}")
    paced = Transport(base_url=server.base_url, timeout_s=30, connect_timeout_s=30, pool_size=8, max_per_second=20)
    started = time.monotonic()
    with ThreadPoolExecutor(8) as threads:
        for reply in threads.map(lambda _: paced.send(method="GET", target="/", headers={}), range(9)):
            assert reply.status == 200
    assert time.monotonic() - started >= 8 / 20
    paced.close()
