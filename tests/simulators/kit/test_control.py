"""The control API of every stand-in: wrong input gets a clear 4xx and leaves the stand-in as it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from simulators.kit.testing import RunningSimulator, running_simulator
from tests.simulators.wire import call

CHANNELS = ("wechat", "alipay", "unionpay")
SALE: dict[str, object] = {"order_no": "A1", "amount_fen": 100}

Started = Callable[[str], RunningSimulator]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    running: dict[str, RunningSimulator] = {}
    with ExitStack() as stack:

        def start(name: str) -> RunningSimulator:
            if name not in running:
                running[name] = stack.enter_context(running_simulator(name, tmp_path_factory.mktemp(name)))
            return running[name]

        yield start


def _ask(simulator: RunningSimulator, method: str, path: str, body: bytes) -> tuple[int, dict[str, object]]:
    headers = {"Content-Type": "application/json"}
    reply = call(str(simulator.account["control_url"]), method, path, body, headers)
    return reply.status, json.loads(reply.body)


def _state(simulator: RunningSimulator) -> list[object]:
    shown: list[object] = [simulator.control("GET", path) for path in ("/health", "/faults", "/balance")]
    clock = simulator.control("GET", "/clock")
    return [*shown, clock["offset_s"], clock["skew_s"]]


def _each(path: str, field: str, *wrong: object, **base: object) -> list[tuple[str, object]]:
    """One body for every wrong value of a field."""
    return [(path, {**base, field: value}) for value in wrong]


def _all(path: str, *wrong: object) -> list[tuple[str, object]]:
    return [(path, body) for body in wrong]


_FAULT: dict[str, object] = {"operation": "refund", "fault": "slow"}
_HUGE = 10**400
_LATE, _EARLY = "9999-12-31T23:59:59-12:00", "0001-01-01"
WRONG: list[tuple[str, object]] = [
    *_all("/payments", {}, {"order_no": "A1"}, {"amount_fen": 100}),
    *_each("/payments", "order_no", "", 5, None, "A\ud800", "A\0", "A" * 65, amount_fen=100),
    *_each("/payments", "amount_fen", 0, -1, 1.5, "100", True, None, 10**12, 2**63, _HUGE, order_no="A1"),
    *_each("/payments", "transaction_no", 5, "A\n", **SALE),
    *_each("/payments", "openid", "\ud800", **SALE),
    *_each("/payments", "status", "NEVER_HEARD_OF", 5, **SALE),
    *_each("/payments", "paid_at", "yesterday", 5, "", _LATE, _EARLY, **SALE),
    *_each("/payments", "payments", 5, [5], [SALE, {"order_no": ""}]),
    *_all("/faults", {}, {"fault": "slow"}, {**_FAULT, "dealy_s": 5}),
    *_each("/faults", "fault", "never_heard_of", 5, None, operation="refund"),
    *_each("/faults", "operation", "certificate", ["refund"], None, fault="slow"),
    *_each("/faults", "times", 0, -2, "2", 1.5, True, None, 10**30, **_FAULT),
    *_each("/faults", "delay_s", "5", -1, None, True, 1e300, **_FAULT),
    *_each("/faults", "count", "5", -1, 1e9, **_FAULT),
    *_each("/faults", "order_no", 5, ["A1"], "\ud800", **_FAULT),
    *_each(
        "/faults",
        "random",
        5,
        {"rate": 2},
        {"rate": "x"},
        {"faults": "slow"},
        {"faults": ["?"]},
        {"seed": []},
        {"sed": 1},
    ),
    *_all("/balance", {}, {"available": 5}),
    *_each("/balance", "available_fen", "5", 1.5, -1, True, 2**70),
    *_all("/clock", {}, {"offset": 5}),
    *_each("/clock", "offset_s", "5", True, None, 1e12, -1e12, 1e300, _HUGE),
    *_each("/clock", "skew_s", 1e12),
    *_each("/latency", "fixed_ms", -1, "5", True, 1e300),
    *_all("/latency", {"tail_rate": 2}, {"operation": "nothing"}, {"operation": 5}, {"fixd_ms": 5}),
    *_all("/limits", {}, {"nothing": 1}),
    *_each("/limits", "window_days", "x", True, -1),
    *_all("/magic", {}, {"enabled": 1}, {"enabled": "true"}),
    *_all("/settle", {"outcome": "PAID"}, {"outcome": []}, {"refund_no": "unheard"}, {"refund_no": 5}),
    *_all("/refunds", {}, {"order_no": "unheard", "refund_no": "R1", "amount_fen": 1}),
    *_all("/past", {}, {"refunds": 5}, {"refunds": [{}]}),
]
RAW = (
    b"[]",
    b"null",
    b"{",
    b"\xff\xfe",
    b'{"amount_fen": NaN}',
    b'{"offset_s": Infinity}',
    b'{"a":1,"a":2}',
    b"[" * 50_000,
)


@pytest.mark.parametrize("name", CHANNELS)
def test_wrong_input_is_refused_in_words_and_changes_nothing(started: Started, name: str) -> None:
    simulator = started(name)
    before = _state(simulator)

    for path, wrong in WRONG:
        status, answer = _ask(simulator, "POST", path, json.dumps(wrong).encode())
        assert 400 <= status < 500, (path, wrong, status)
        assert answer["error"], (path, wrong)
    for path in ("/payments", "/faults", "/balance", "/clock", "/latency", "/limits", "/magic", "/settle"):
        for raw in RAW:
            assert _ask(simulator, "POST", path, raw)[0] == 400, (path, raw[:20])

    assert _state(simulator) == before
    simulator.restart()
    assert _state(simulator) == before


@pytest.mark.parametrize("name", CHANNELS)
def test_wrong_addresses_and_filters_are_refused_in_json(started: Started, name: str) -> None:
    simulator = started(name)
    for method, path, expected in (
        ("GET", "/nothing", 404),
        ("POST", "/ledger", 405),
        ("GET", "/reset", 405),
        ("GET", "/ledger?oder_no=A1", 400),
        ("GET", "/payments?oder_no=A1", 400),
        ("GET", "/refunds?limit=many", 400),
        ("GET", "/refunds?limit=0", 400),
        ("GET", f"/refunds?limit={'9' * 40}", 400),
    ):
        status, answer = _ask(simulator, method, path, b"")
        assert (status, bool(answer["error"])) == (expected, True), path


@pytest.mark.parametrize("name", CHANNELS)
def test_calls_of_the_contract_are_taken(started: Started, name: str) -> None:
    simulator = started(name)
    full = {"order_no": "C1", "transaction_no": "T1", "amount_fen": 1, "paid_at": "2026-11-22T12:00:00+08:00"}
    assert simulator.control("POST", "/payments", full) == {"seeded": 1}
    assert simulator.control("POST", "/payments", {**full, "paid_at": None}) == {"seeded": 1}
    assert simulator.control("GET", "/ledger") == {"rows": []}
    simulator.control("POST", "/faults", {**_FAULT, "times": 2, "order_no": None, "delay_s": 5 * 86_400})
    simulator.control("DELETE", "/faults")
    assert simulator.control("POST", "/balance", {"available_fen": 5}) == {"available_fen": 5}
    assert simulator.control("POST", "/balance", {"available_fen": None}) == {"available_fen": None}
    assert simulator.control("POST", "/clock", {"offset_s": 366 * 86_400})["offset_s"] == 366 * 86_400
    assert simulator.control("POST", "/clock", {"offset_s": -86_400.5})["offset_s"] == -86_400.5
    assert simulator.control("POST", "/reset", {}) == {"ok": True}
