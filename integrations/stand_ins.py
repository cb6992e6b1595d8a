"""The stand-in channels, for sandboxes and sample data: their accounts, payments made known to them, faults ordered."""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3
from django.utils import timezone

from core.audit.actors import SYSTEM
from merchants import channels
from merchants.models import ChannelAccount, Merchant
from refunds.payouts import credentials

_CHUNK = 5000


class StandInUnreachable(Exception):
    """A stand-in's account is missing or it does not answer; the message says which."""


#: Channel -> credential as its adapter wants it -> where account.json has it. A ``.._path`` names a file with the value.
_CREDENTIALS: Mapping[str, Mapping[str, str]] = {
    "wechat": {
        "mchid": "mchid",
        "merchant_serial": "merchant_serial",
        "merchant_private_key": "merchant_private_key_path",
        "api_v3_key": "api_v3_key",
        "public_key_id": "public_key_id",
        "public_key": "public_key_path",
    },
    "alipay": {
        "app_id": "app_id",
        "app_private_key": "app_private_key_path",
        "alipay_public_key": "alipay_public_key_path",
    },
    "unionpay": {
        "mer_id": "mer_id",
        "sign_pfx": "sign_cert_pfx_path",
        "sign_pfx_password": "sign_cert_pfx_password",
        "root_certificate": "root_cert_path",
        "middle_certificate": "middle_cert_path",
    },
}
#: The stand-ins charge 0.60% and return it with a refund; both merchants share an account, so that its statements have both.
_MONEY = {"fee_rate_bp": 60, "fee_returned": True, "bill_shared": True}
#: What the stand-ins' contracts say. We ask soon after an acceptance: people watch the demo.
_PROFILES: Mapping[str, Mapping[str, Any]] = {
    "wechat": {"window_days": 365, "max_partials": 50, "partial_spacing_s": 60, "first_query_s": 10, **_MONEY},
    "alipay": {"window_days": 365, "partial_spacing_s": 3, "first_query_s": 10, **_MONEY},
    "unionpay": {"window_days": 330, "first_query_s": 10, "voids": True, **_MONEY},
}


@dataclass(frozen=True, slots=True)
class Account:
    """A merchant's account at a stand-in. ``shown`` is account.json as it is, for demo.json.

    ``addresses`` are the entries of the profile that may differ from start to start.
    """

    channel: str
    base_url: str
    control_url: str
    credentials: Mapping[str, str]
    profile: Mapping[str, Any]
    addresses: Mapping[str, str]
    shown: Mapping[str, Any]


def accounts_in(folder: Path) -> dict[str, Account]:
    """The accounts of every stand-in whose channel the product can talk to. Raises ``StandInUnreachable`` without any."""
    found = {}
    for channel in sorted(_CREDENTIALS.keys() & channels.known()):
        file = folder / channel / "account.json"
        if file.exists():
            found[channel] = _read_account(channel, json.loads(file.read_text()))
    if "wechat" not in found:
        raise StandInUnreachable(f"there is no {folder / 'wechat' / 'account.json'}: is the simulator running?")
    return found


def _read_account(channel: str, data: Mapping[str, Any]) -> Account:
    is_unionpay = channel == "unionpay"
    return Account(
        channel=channel,
        base_url=data["front_url" if is_unionpay else "base_url"],
        control_url=data["control_url"],
        credentials={name: _value(key, data[key]) for name, key in _CREDENTIALS[channel].items()},
        profile=_PROFILES[channel],
        addresses={"file_url": data["file_url"]} if is_unionpay else {},
        shown=data,
    )


def _value(key: str, value: object) -> str:
    """The credential itself; a PKCS#12 file in Base64, since it is no text."""
    if not key.endswith("_path"):
        return str(value)
    content = Path(str(value)).read_bytes()
    return base64.b64encode(content).decode() if key.endswith("_pfx_path") else content.decode()


class Control:
    """The control API of one stand-in."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._http = urllib3.PoolManager(timeout=urllib3.Timeout(connect=5, read=60), retries=False)

    def seed(self, payments: Iterable[Mapping[str, object]]) -> int:
        """Make payments known, in bulk. The same payment again changes nothing. Returns how many."""
        known = list(payments)
        for start in range(0, len(known), _CHUNK):
            self._call("POST", "/payments", {"payments": known[start : start + _CHUNK]})
        return len(known)

    def seed_past(self, refunds: Sequence[Mapping[str, object]]) -> None:
        """Make refunds known that were paid before the stand-in was there: its ledger then agrees with ours."""
        self._call("POST", "/past", {"refunds": refunds})

    def order_faults(self, faults: Sequence[Mapping[str, object]]) -> None:
        """Have something go wrong, see the stand-in's ``GET /faults``."""
        for fault in faults:
            self._call("POST", "/faults", fault)

    def settle(self, *, refund_no: str, outcome: str) -> bool:
        """End what is processing now; whether there was anything."""
        return bool(self._call("POST", "/settle", {"refund_no": refund_no, "outcome": outcome})["settled"])

    def set_magic(self, *, enabled: bool) -> None:
        """Whether amounts ending in 01 to 04 fen have a special outcome."""
        self._call("POST", "/magic", {"enabled": enabled})

    def _call(self, method: str, path: str, body: Mapping[str, object]) -> Any:
        try:
            reply = self._http.request(method, self._url + path, json=body)
        except urllib3.exceptions.HTTPError as error:
            raise StandInUnreachable(f"{self._url} does not answer ({type(error).__name__})") from error
        if reply.status >= 300:
            raise StandInUnreachable(f"{self._url}{path} answered {reply.status}: {reply.data[:300]!r}")
        return reply.json()


def keep_accounts(merchant: Merchant, accounts: Mapping[str, Account]) -> dict[str, ChannelAccount]:
    """The merchant's account at every stand-in that is there, with its addresses and keys of this start."""
    kept = {row.channel: row for row in merchant.channel_accounts.filter(is_active=True)}
    for channel, account in accounts.items():
        row = kept.get(channel)
        if row is None:
            code = f"{channel}-{merchant.code.lower()}"
            row = ChannelAccount(merchant=merchant, channel=channel, code=code, profile_overrides=dict(account.profile))
        elif _is_current(row, account):
            continue
        else:
            row.revision += 1
        before = row.credentials
        row.base_url = account.base_url
        row.profile_overrides |= account.addresses
        row.set_credentials(dict(account.credentials))
        row.save()
        if row.credentials != before:
            credentials.record_change(account=row, before=before, by=SYSTEM, at=timezone.now())
        kept[channel] = row
    return kept


def _is_current(row: ChannelAccount, account: Account) -> bool:
    return (
        row.base_url == account.base_url
        and row.credentials == account.credentials
        and row.profile_overrides == row.profile_overrides | account.addresses
    )
