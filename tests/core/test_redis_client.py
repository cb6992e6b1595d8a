"""A broker that does not answer costs the first callers a moment, and those after them nothing."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import redis
from django.conf import settings

from config.cache import ForgetfulCache
from core import guessing, redis_client
from tests.faults.house import wait_until
from tests.faults.proxy import Proxy, proxy


@pytest.fixture
def standing() -> Iterator[Proxy]:
    target = urlsplit(settings.REDIS_URL)
    with proxy(target.hostname or "", target.port or 0) as made:
        yield made


@pytest.fixture
def url(standing: Proxy) -> str:
    return f"redis://:{urlsplit(settings.REDIS_URL).password}@127.0.0.1:{standing.port}/0"


@pytest.fixture
def client(url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(url, **redis_client.options(url)) as made:
        yield made


def test_failures_in_a_row_open_the_circuit_and_the_next_call_does_not_ask(
    client: redis.Redis, standing: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    assert client.ping()
    standing.frozen = True
    for _ in range(redis_client.OPENS_AFTER):
        with pytest.raises(redis.TimeoutError):
            client.ping()
    began = time.monotonic()
    for _ in range(20):
        with pytest.raises(redis_client.CircuitOpen):
            client.ping()
    assert time.monotonic() - began < redis_client.ANSWERS_WITHIN_S
    assert [record.message for record in caplog.records if "circuit open" in record.message] != []


def test_guesses_are_let_pass_quickly_while_the_broker_is_frozen(
    client: redis.Redis, standing: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guessing, "client", lambda: client)
    bucket = guessing.Bucket(name="frozen", limit=guessing.Limit(free=1, first_wait_s=60, longest_wait_s=60))
    standing.frozen = True
    for _ in range(redis_client.OPENS_AFTER):
        guessing.take(bucket)
    began = time.monotonic()
    for _ in range(20):
        guessing.take(bucket)
    assert time.monotonic() - began < redis_client.ANSWERS_WITHIN_S


def test_broker_answers_again_the_circuit_closes_without_a_caller(
    client: redis.Redis, url: str, standing: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    client.ping()
    standing.frozen = True
    for _ in range(redis_client.OPENS_AFTER):
        with pytest.raises(redis.TimeoutError):
            client.ping()
    standing.frozen = False
    standing.cut()
    wait_until(lambda: not redis_client.circuit_of(url).is_open, seconds=60, what="the probe is answered")
    assert client.ping()
    assert "circuit closed" in caplog.text


def test_answer_between_two_failures_keeps_the_circuit_closed(url: str) -> None:
    circuit = redis_client.circuit_of(url)
    for _ in range(redis_client.OPENS_AFTER):
        circuit.failed(redis.TimeoutError("no answer"))
        circuit.succeeded()
    circuit.check()


def test_dead_connections_after_a_restart_cost_nothing(client: redis.Redis, url: str, standing: Proxy) -> None:
    for _ in range(redis_client.OPENS_AFTER + 1):
        client.ping()
        standing.cut()
        assert client.ping()
    assert not redis_client.circuit_of(url).is_open


def test_pipelines_scripts_and_the_cache_go_by_the_same_circuit(client: redis.Redis, url: str, standing: Proxy) -> None:
    cache = ForgetfulCache(url, {})
    cache.set("broker-test", 1, 60)
    assert cache.get("broker-test") == 1
    script = client.register_script("return 1")
    standing.frozen = True
    for _ in range(redis_client.OPENS_AFTER):
        assert cache.get("broker-test", "nothing") == "nothing"
    began = time.monotonic()
    assert cache.get("broker-test", "nothing") == "nothing"
    assert cache.set_many({"broker-test": 2}) == ["broker-test"]
    with pytest.raises(redis_client.CircuitOpen):
        script()
    pipeline = client.pipeline()
    pipeline.get("a")
    with pytest.raises(redis_client.CircuitOpen):
        pipeline.execute()
    assert time.monotonic() - began < redis_client.ANSWERS_WITHIN_S
    cache.close()


def test_many_callers_at_once_wait_once(client: redis.Redis, standing: Proxy) -> None:
    client.ping()
    standing.frozen = True
    waited: list[float] = []

    def call() -> None:
        began = time.monotonic()
        for _ in range(5):
            with pytest.raises(redis.RedisError):
                client.ping()
        waited.append(time.monotonic() - began)

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(waited) < 3 * redis_client.ANSWERS_WITHIN_S


@pytest.mark.parametrize("scheme", ["redis", "rediss", "unix"])
def test_kind_of_connection_follows_the_address(scheme: str) -> None:
    url = f"{scheme}://localhost/some.socket" if scheme == "unix" else f"{scheme}://localhost:1/0"
    plain = redis.ConnectionPool.from_url(url).connection_class
    assert issubclass(redis_client.options(url)["connection_class"], plain)


def test_address_where_nobody_listens_opens_only_its_own_circuit() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{taken.getsockname()[1]}/0"
        nobody = redis.Redis.from_url(url, **redis_client.options(url))
        for _ in range(redis_client.OPENS_AFTER):
            with pytest.raises(redis.ConnectionError):
                nobody.ping()
        assert redis_client.circuit_of(url).is_open
    assert redis_client.client().ping()
