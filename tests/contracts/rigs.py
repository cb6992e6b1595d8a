"""An adapter and the simulator that it talks to, for every channel and way of signing.

The simulator's ledger is the oracle: what an adapter claims is compared with the money that moved.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

from payment_channels.alipay.adapter import AlipayRefundChannel
from payment_channels.alipay.credentials import Credentials as AlipayCredentials
from payment_channels.contract import RawNotice, RefundOrder, RefundReference
from payment_channels.profile import Profile
from payment_channels.unionpay.adapter import UnionPayRefundChannel
from payment_channels.unionpay.credentials import Credentials as UnionPayCredentials
from payment_channels.wechat.adapter import WeChatRefundChannel
from payment_channels.wechat.credentials import Credentials as WeChatCredentials
from simulators.kit.testing import RunningSimulator, running_simulator

AnyChannel = WeChatRefundChannel | AlipayRefundChannel | UnionPayRefundChannel
#: Rig -> simulator.
RIGS = {
    "wechat": "wechat",
    "wechat-certificates": "wechat",
    "alipay": "alipay",
    "alipay-certificates": "alipay",
    "unionpay": "unionpay",
}
PAID_FEN = 26800
#: The least of the refund numbers that rigs give.
FIRST_NUMBER = "REFUND00000001"


@dataclass
class Rig:
    """One channel account against one simulator, and who receives its notices."""

    name: str
    simulator: RunningSimulator
    notify_url: str
    received: list[RawNotice]
    offset: timedelta = timedelta()
    channel: AnyChannel = field(init=False)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.channel = _CHANNELS[self.simulator_name](self)

    @property
    def simulator_name(self) -> str:
        return RIGS[self.name]

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def file(self, key: str) -> str:
        return Path(str(self.simulator.account[key])).read_text()

    def let_pass(self, offset: timedelta) -> None:
        """Let days pass at the channel; its signatures go on to carry the real time."""
        self.simulator.control("POST", "/clock", {"offset_s": offset.total_seconds()})

    def sale(self, *, amount_fen: int = 1200) -> RefundOrder:
        """Seed a payment and make an order to refund a part of it."""
        number = next(self._numbers)
        order = RefundOrder(
            refund_no=f"REFUND{number:08d}",
            channel_transaction_no=f"61261121100000{number:07d}",
            order_no=f"ORDER{number:08d}",
            amount_fen=amount_fen,
            paid_fen=PAID_FEN,
            paid_at=self.now(),
            reason="商品瑕疵",
            notify_url=self.notify_url,
            first_sent_at=self.now(),
        )
        payment: dict[str, object] = {
            "order_no": order.order_no,
            "transaction_no": order.channel_transaction_no,
            "amount_fen": PAID_FEN,
            "notify_url": self.notify_url,
        }
        self.simulator.control("POST", "/payments", payment)
        return order

    def fault(self, operation: str, name: str, **more: object) -> None:
        self.simulator.control("POST", "/faults", {"operation": operation, "fault": name, "times": 1, **more})

    def moved(self, order: RefundOrder) -> list[tuple[str, int]]:
        """What the simulator's ledger says was paid back for this sale: numbers and amounts."""
        rows: list[dict[str, Any]] = self.simulator.control("GET", "/ledger")["rows"]
        return [(row["refund_no"], row["amount_fen"]) for row in rows if row["order_no"] == order.order_no]

    def wait_for_notices(self, count: int = 1, *, patience_s: float = 60.0) -> list[RawNotice]:
        until = time.monotonic() + patience_s
        while len(self.received) < count and time.monotonic() < until:
            time.sleep(0.02)
        return list(self.received)


def reference_of(order: RefundOrder) -> RefundReference:
    """What is needed to ask for an order's state."""
    return RefundReference(
        refund_no=order.refund_no,
        channel_transaction_no=order.channel_transaction_no,
        order_no=order.order_no,
        amount_fen=order.amount_fen,
        sent_at=order.first_sent_at,
    )


def _wechat(rig: Rig) -> AnyChannel:
    account = rig.simulator.account
    stored = {
        "mchid": account["mchid"],
        "merchant_serial": account["merchant_serial"],
        "merchant_private_key": rig.file("merchant_private_key_path"),
        "api_v3_key": account["api_v3_key"],
    }
    if rig.name == "wechat":
        stored |= {"public_key_id": account["public_key_id"], "public_key": rig.file("public_key_path")}
    else:
        rig.simulator.control("POST", "/signing", {"mode": "certificate"})
    return WeChatRefundChannel(
        credentials=WeChatCredentials.parse(stored), profile=_profile(), base_url=account["base_url"], clock=rig.now
    )


def _alipay(rig: Rig) -> AnyChannel:
    stored = {
        "app_id": rig.simulator.account["app_id"],
        "app_private_key": rig.file("app_private_key_path"),
    }
    if rig.name == "alipay":
        stored["alipay_public_key"] = rig.file("alipay_public_key_path")
    else:
        stored |= {
            "app_certificate": rig.file("app_cert_path"),
            "alipay_certificate": rig.file("alipay_cert_path"),
            "alipay_root_certificate": rig.file("alipay_root_cert_path"),
        }
    return AlipayRefundChannel(
        credentials=AlipayCredentials.parse(stored),
        profile=_profile(),
        base_url=rig.simulator.account["gateway_url"],
        clock=rig.now,
    )


def _unionpay(rig: Rig) -> AnyChannel:
    stored = {
        "mer_id": rig.simulator.account["mer_id"],
        "sign_certificate": rig.file("sign_cert_path"),
        "root_certificate": rig.file("root_cert_path"),
        "middle_certificate": rig.file("middle_cert_path"),
    }
    return UnionPayRefundChannel(
        credentials=UnionPayCredentials.parse(stored),
        profile=_profile(file_url=rig.simulator.account["file_url"]),
        base_url=rig.simulator.account["front_url"],
        clock=rig.now,
    )


_CHANNELS: Mapping[str, Callable[[Rig], AnyChannel]] = {"wechat": _wechat, "alipay": _alipay, "unionpay": _unionpay}


def _profile(**more: object) -> Profile:
    return Profile().over({"timeout_s": 1, **more})


class _Receiver(ThreadingHTTPServer):
    daemon_threads = True
    received: list[RawNotice]


class _Inbox(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        cast("_Receiver", self.server).received.append(
            RawNotice(headers=headers, body=body, received_at=datetime.now(UTC))
        )
        self.send_response(200)
        self.send_header("Content-Length", "7")
        self.end_headers()
        self.wfile.write(b"success")

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""


@contextmanager
def running_rig(name: str, state_dir: Path) -> Iterator[Rig]:
    """Run a simulator with its adapter and a receiver of notices."""
    receiver = _Receiver(("127.0.0.1", 0), _Inbox)
    receiver.received = []
    thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        with running_simulator(RIGS[name], state_dir, hold_s=1.5) as simulator:
            yield Rig(
                name=name,
                simulator=simulator,
                notify_url=f"http://127.0.0.1:{receiver.server_port}/notices",
                received=receiver.received,
            )
    finally:
        receiver.shutdown()
        receiver.server_close()
        thread.join()
