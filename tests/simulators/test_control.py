"""The control API of every stand-in: wrong input gets a clear 4xx and leaves the stand-in as it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from simulators.kit.testing import RunningSimulator, running_simulator
from tests.simulators.wire import call

CHANNELS = ("wechat", "alipay", "unionpay")
SALE = {"order_no": "A1", "amount_fen": 100}

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


_FAULT = {"operation": "refund", "fault": "slow"}
WRONG: list[tuple[str, object]] = [
    ("/payments", {}),
    ("/payments", {"order_no": "", "amount_fen": 100}),
    ("/payments", {"order_no": 5, "amount_fen": 100}),
    ("/payments", {"order_no": "A\ud800", "amount_fen": 100}),
    ("/payments", {"order_no": "A\0", "amount_fen": 100}),
    ("/payments", {"order_no": "A" * 65, "amount_fen": 100}),
    *(
        ("/payments", {"order_no": "A1", "amount_fen": wrong})
        for wrong in (0, -1, 1.5, "100", True, None, 10**12, 2**63)
    ),
    ("/payments", {**SALE, "transaction_no": 5}),
    ("/payments", {**SALE, "openid": "\ud800"}),
    ("/payments", {**SALE, "status": "NEVER_HEARD_OF"}),
    *(
        ("/payments", {**SALE, "paid_at": wrong})
        for wrong in ("yesterday", 5, "", "9999-12-31T23:59:59-12:00", "0001-01-01")
    ),
    ("/payments", {"payments": 5}),
    ("/payments", {"payments": [5]}),
    ("/payments", {"payments": [SALE, {"order_no": ""}]}),
    ("/faults", {}),
    ("/faults", {"operation": "refund", "fault": "never_heard_of"}),
    ("/faults", {"operation": "certificate", "fault": "slow"}),
    ("/faults", {"operation": ["refund"], "fault": "slow"}),
    *(("/faults", {**_FAULT, "times": wrong}) for wrong in (0, -2, "2", 1.5, True, None, 10**30)),
    *(("/faults", {**_FAULT, "delay_s": wrong}) for wrong in ("5", -1, None, True, 1e300)),
    *(("/faults", {**_FAULT, "order_no": wrong}) for wrong in (5, ["A1"], "\ud800")),
    ("/faults", {**_FAULT, "dealy_s": 5}),
    *(
        ("/faults", {"random": wrong})
        for wrong in (5, {"rate": 2}, {"rate": "x"}, {"faults": "slow"}, {"seed": []}, {"sed": 1})
    ),
    ("/faults", {"random": {"faults": ["never_heard_of"]}}),
    *(("/balance", wrong) for wrong in ({}, {"available": 5}, {"available_fen": "5"}, {"available_fen": 1.5})),
    *(("/balance", {"available_fen": wrong}) for wrong in (-1, True, 2**70)),
    *(("/clock", wrong) for wrong in ({}, {"offset": 5})),
    *(("/clock", {"offset_s": wrong}) for wrong in ("5", True, None, 1e12, -1e12, 1e300, 10**400)),
    ("/clock", {"skew_s": 1e12}),
    *(("/latency", {"fixed_ms": wrong}) for wrong in (-1, "5", True, 1e300)),
    *(("/latency", wrong) for wrong in ({"tail_rate": 2}, {"operation": "nothing"}, {"operation": 5}, {"fixd_ms": 5})),
    *(
        ("/limits", wrong)
        for wrong in ({}, {"nothing": 1}, {"window_days": "x"}, {"window_days": True}, {"window_days": -1})
    ),
    *(("/magic", wrong) for wrong in ({}, {"enabled": 1}, {"enabled": "true"})),
    *(
        ("/settle", wrong)
        for wrong in ({"outcome": "PAID"}, {"outcome": []}, {"refund_no": "unheard"}, {"refund_no": 5})
    ),
    *(("/refunds", wrong) for wrong in ({}, {"order_no": "unheard", "refund_no": "R1", "amount_fen": 1})),
    *(("/past", wrong) for wrong in ({}, {"refunds": 5}, {"refunds": [{}]})),
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
