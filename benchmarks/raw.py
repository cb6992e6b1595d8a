"""The machine's own limit: a refund's least transaction, five raw statements and a commit, fsync on."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from multiprocessing.connection import Connection

import psycopg2


def _url() -> str:
    """Whoever may make tables: the application's own login may not."""
    return os.environ.get("DATABASE_OWNER_URL") or os.environ["DATABASE_URL"]


_SETUP = """
CREATE TABLE IF NOT EXISTS bench_sale (id bigint PRIMARY KEY, amount bigint, reserved bigint, CHECK (reserved <= amount));
CREATE TABLE IF NOT EXISTS bench_request (id bigserial PRIMARY KEY, sale bigint, amount bigint, state text, body jsonb);
CREATE TABLE IF NOT EXISTS bench_event (id bigserial PRIMARY KEY, request bigint, at timestamptz, body jsonb);
CREATE TABLE IF NOT EXISTS bench_outbox (id bigserial PRIMARY KEY, request bigint, topic text);
CREATE TABLE IF NOT EXISTS bench_key (key text PRIMARY KEY, body jsonb);
INSERT INTO bench_sale SELECT n, 1000000000000, 0 FROM generate_series(0, 9999) n ON CONFLICT DO NOTHING;
"""
_BODY = '{"verdict": {"decision": "approve", "rules": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}, "text": "' + "x" * 400 + '"}'


def prepare() -> None:
    """Make the tables of the raw transaction."""
    with psycopg2.connect(_url()) as connection, connection.cursor() as cursor:
        cursor.execute(_SETUP)


def commits_per_s(*, seconds: float, clients: int = 8, hot: bool = False) -> float:
    """Raw refund transactions a second by ``clients`` connections in two processes; ``hot``: all on one sale."""
    pipes = []
    for number in range(2):
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(
            target=_process, args=(theirs, seconds, clients // 2, number, hot)
        )
        process.start()
        pipes.append((ours, process))
    for ours, _ in pipes:
        ours.recv()  # connected
    for ours, _ in pipes:
        ours.send("go")
    total = sum(int(ours.recv()) for ours, _ in pipes)
    for _, process in pipes:
        process.join()
    return total / seconds


def _process(pipe: Connection, seconds: float, clients: int, number: int, hot: bool) -> None:  # noqa: FBT001 - the argument of a process or thread
    counts = [0] * clients
    ready = threading.Barrier(clients + 1)
    go = threading.Event()
    threads = [
        threading.Thread(target=_client, args=(counts, index, number, hot, seconds, ready, go))
        for index in range(clients)
    ]
    for thread in threads:
        thread.start()
    ready.wait()
    pipe.send("ready")
    pipe.recv()
    go.set()
    for thread in threads:
        thread.join()
    pipe.send(sum(counts))


def _client(
    counts: list[int],
    index: int,
    number: int,
    hot: bool,  # noqa: FBT001 - the argument of a process or thread
    seconds: float,
    ready: threading.Barrier,
    go: threading.Event,
) -> None:
    connection = psycopg2.connect(_url())
    cursor = connection.cursor()
    ready.wait()
    go.wait()
    until = time.perf_counter() + seconds
    sale, step = index * 1000 + number * 5000, 0
    while time.perf_counter() < until:
        step += 1
        target = 0 if hot else (sale + step) % 10_000
        cursor.execute(
            "UPDATE bench_sale SET reserved = reserved + 100 WHERE id = %s AND reserved + 100 <= amount", [target]
        )
        cursor.execute(
            "INSERT INTO bench_request (sale, amount, state, body) VALUES (%s, 100, 'approved', %s) RETURNING id",
            [target, _BODY],
        )
        row = cursor.fetchone()
        assert row is not None
        (request,) = row
        cursor.execute("INSERT INTO bench_event (request, at, body) VALUES (%s, now(), %s)", [request, "{}"])
        cursor.execute("INSERT INTO bench_outbox (request, topic) VALUES (%s, 'approved')", [request])
        cursor.execute("INSERT INTO bench_key (key, body) VALUES (%s, %s)", [f"{os.getpid()}-{index}-{step}", _BODY])
        connection.commit()
        counts[index] += 1
    connection.close()
