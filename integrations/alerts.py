"""Staff are told of trouble where they are: a group in DingTalk, Feishu or WeCom, or by e-mail; so is a provider's support.

What is wrong now is looked at again and again (``EVENTS``); an address is told of each thing once while it lasts, and of several
of one kind in one message. Run by beat and by every worker, so that either tells of the other's end.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core import periodic
from core.audit.record import record_of
from core.calendar import SHANGHAI
from core.errors import Conflict, Invalid, existing, wrong
from core.plain_text import one_line
from integrations.addresses import AddressRefused, look_up
from integrations.models import Alert, AlertAddress, AlertKind
from merchants import channels
from merchants.models import ChannelAccount, Merchant, MessageCarrier
from merchants.principals import Principal
from merchants.rights import Act, Subject, check_may
from refunds.follow_up import unusual
from refunds.models import RefundRequest
from refunds.payouts import breaker
from refunds.states import State
from refunds.telling.carriers import DeliveryFailed, SmtpCarrier, Text
from refunds.telling.own_words import LANGUAGES
from refunds.telling.providers.registry import PROVIDERS

logger = logging.getLogger(__name__)

MOST = 20
#: Not found for this long, it is over: the next is news again.
_OVER_AFTER = timedelta(minutes=5)
_SILENT_S = 60
_CARRIER_SILENT = timedelta(minutes=2)
#: Refunds that went to the next tier longer ago are known.
_ESCALATED_WITHIN = timedelta(hours=12)
_NAMED = 10
_NOW_AND_THEN_S = 600
_LEASE = timedelta(seconds=60)
_BACKOFF_S = (30, 120, 600, 1800, 3600, 7200, 14_400)

#: What is wrong of one kind: about what -> what is said of it.
Found = Mapping[str, str]


class AlertsNotInstalled(Conflict):
    """The library that speaks to groups is an extra, which this installation has not."""

    code = "alerts_not_installed"


class AlertNotSent(Conflict):
    """The group or mail server did not take the test."""

    code = "alert_not_sent"


# --- what is wrong ----------------------------------------------------------------------------------------------------


def _channels_down(merchant_id: int, _: datetime) -> Found:
    accounts = {row.pk: row for row in ChannelAccount.objects.filter(merchant_id=merchant_id).only("channel", "code")}
    down = breaker.down(accounts)
    return {str(pk): f"{channels.label(accounts[pk].channel)} ({accounts[pk].code})" for pk in sorted(down)}


def _carriers_down(merchant_id: int, at: datetime) -> Found:
    failing = MessageCarrier.objects.filter(
        merchant_id=merchant_id, enabled=True, failing_since__lte=at - _CARRIER_SILENT
    )
    return {row.kind: f"{PROVIDERS[row.kind].label} ({row.trouble})" for row in failing.order_by("pk")}


def _escalated(merchant_id: int, at: datetime) -> Found:
    waits = RefundRequest.objects.filter(
        merchant_id=merchant_id,
        state__in=(State.IN_REVIEW, State.WAITING_GOODS),
        escalated_at__gt=at - _ESCALATED_WITHIN,
    )
    return {str(pk): number for pk, number in waits.order_by("escalated_at").values_list("pk", "number")[:200]}


def _workers_silent(_merchant_id: int, _: datetime) -> Found:
    sweep = periodic.seen().get("refunds.sweep")
    if sweep is None:
        return {}
    silent = {
        "workers": (sweep.ran_s, gettext("no worker works")),
        "beat": (sweep.called_s, gettext("beat calls nobody")),
    }
    found = {name: said for name, (seconds, said) in silent.items() if seconds is not None and seconds > _SILENT_S}
    # Without workers nobody hears beat.
    return {"workers": found["workers"]} if "workers" in found else found


def _invariants_broken(_merchant_id: int, _: datetime) -> Found:
    return {code: code for code in cache.get(periodic.INVARIANTS_BROKEN, ())}


def _many_refunds(merchant_id: int, at: datetime) -> Found:
    rows = _now_and_then(f"many-refunds:{merchant_id}", lambda: unusual.many(merchant_id=merchant_id, at=at))
    return {
        f"{row.store_id}@{at.astimezone(SHANGHAI):%Y-%m-%d}": gettext(
            "%(store)s: %(count)s refunds today, usually %(usual)s by this time"
        )
        % {"store": row.store, "count": row.count, "usual": round(row.usual, 1)}
        for row in rows
    }


def _while_shut(merchant_id: int, at: datetime) -> Found:
    rows = _now_and_then(f"while-shut:{merchant_id}", lambda: unusual.while_shut(merchant_id=merchant_id, at=at))
    return {
        f"{row.store_id}@{at.astimezone(SHANGHAI):%Y-%m-%d}": f"{row.store}: {', '.join(row.numbers[:_NAMED])}"
        for row in rows
    }


def _now_and_then(name: str, ask: Callable[[], list[Any]]) -> list[Any]:
    """What takes a look at a month is asked every ten minutes."""
    return list(cache.get_or_set(f"alerts:{name}", ask, _NOW_AND_THEN_S) or [])


@dataclass(frozen=True, slots=True)
class Event:
    label: Promise
    sentence: Promise
    look: Callable[[int, datetime], Found]


EVENTS: Final[Mapping[str, Event]] = {
    "channel_down": Event(
        _("A payment channel does not answer"),
        _("does not answer. Refunds wait and go out by themselves once it does; none is lost."),
        _channels_down,
    ),
    "carrier_down": Event(
        _("Messages to customers do not go out"), _("takes no messages. They wait; no refund does."), _carriers_down
    ),
    "escalation": Event(
        _("A refund was not decided in time"), _("went to the next tier: nobody decided in time."), _escalated
    ),
    "worker_silent": Event(
        _("The workers stand still"), _("Nothing is paid out until they run again."), _workers_silent
    ),
    "many_refunds": Event(
        _("Clearly more refunds than usual"),
        _("See on the analytics page what they have in common."),
        _many_refunds,
    ),
    "while_shut": Event(
        _("Refunds while a store is shut"),
        _("asked for at a till or by staff outside of opening hours. See who asked."),
        _while_shut,
    ),
    "invariant_broken": Event(
        _("An invariant is broken"), _("broken: see the log, and docs/runbooks."), _invariants_broken
    ),
}


@transaction.atomic
def look(*, at: datetime) -> int:
    """Note what is new and what is over, for every address. Returns how much is new."""
    addresses: dict[tuple[int, str], list[AlertAddress]] = defaultdict(list)
    for address in AlertAddress.objects.filter(merchant__sandbox_of=None).order_by("pk"):
        addresses[address.merchant_id, address.language].append(address)
    new: list[Alert] = []
    for (merchant_id, language), of_merchant in addresses.items():
        for name in sorted({event for address in of_merchant for event in address.events} & set(EVENTS)):
            with translation.override(language):
                found = EVENTS[name].look(merchant_id, at)
            told = [address for address in of_merchant if name in address.events]
            lasting = Alert.objects.filter(address__in=told, event=name, over_at=None)
            known = set(lasting.values_list("address_id", "about"))
            lasting.filter(about__in=found).update(seen_at=at)
            lasting.exclude(about__in=found).filter(seen_at__lt=at - _OVER_AFTER).update(over_at=at)
            new += [
                Alert(
                    merchant_id=merchant_id,
                    address=address,
                    event=name,
                    about=about,
                    data={"said": said},
                    began_at=at,
                    seen_at=at,
                    due_at=_after_quiet_hours(address, at),
                )
                for address in told
                for about, said in found.items()
                if (address.pk, about) not in known
            ]
    # Another process may have been as quick.
    Alert.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


def _after_quiet_hours(address: AlertAddress, at: datetime) -> datetime:
    since, until, here = address.quiet_from, address.quiet_until, at.astimezone(SHANGHAI)
    if since is None or until is None:
        return at
    is_quiet = since <= here.time() < until if since < until else here.time() >= since or here.time() < until
    if not is_quiet:
        return at
    end = here.replace(hour=until.hour, minute=until.minute, second=0, microsecond=0)
    return end if end > here else end + timedelta(days=1)


# --- sending ----------------------------------------------------------------------------------------------------------


def work(*, at: datetime) -> int:
    """Look, and send what is due. Returns how many messages went out."""
    look(at=at)
    sent = 0
    for alerts in _claim(at):
        address = alerts[0].address
        error = _sent(address, *_worded(address, alerts))
        _note(address, alerts, error, at)
        sent += not error
    return sent


@transaction.atomic
def _claim(at: datetime) -> list[list[Alert]]:
    due = Alert.objects.select_for_update(skip_locked=True, of=("self",)).filter(due_at__lte=at)
    rows = list(due.select_related("address__merchant").order_by("pk")[:500])
    Alert.objects.filter(pk__in=[row.pk for row in rows]).update(due_at=at + _LEASE)
    grouped: dict[tuple[int, str], list[Alert]] = defaultdict(list)
    for row in rows:
        grouped[row.address_id, row.event].append(row)
    return list(grouped.values())


def _worded(address: AlertAddress, alerts: Sequence[Alert]) -> tuple[str, str]:
    event, said = EVENTS[alerts[0].event], [alert.data["said"] for alert in alerts]
    with translation.override(address.language):
        more = gettext(" and %(n)s more") % {"n": len(said) - _NAMED} if len(said) > _NAMED else ""
        since = alerts[0].began_at.astimezone(SHANGHAI)
        title = gettext("%(who)s: %(what)s") % {"who": f"RefundDesk · {address.merchant.name}", "what": event.label}
        body = gettext("%(who)s: %(what)s") % {"who": ", ".join(said[:_NAMED]) + more, "what": event.sentence}
        return title, f"{body} ({since:%Y-%m-%d %H:%M})"


@transaction.atomic
def _note(address: AlertAddress, alerts: Sequence[Alert], error: str, at: datetime) -> None:
    for alert in alerts:
        alert.attempts += 1
        alert.sent_at, alert.due_at = (None if error else at), None
        if error and alert.attempts <= len(_BACKOFF_S):
            alert.due_at = at + timedelta(seconds=_BACKOFF_S[alert.attempts - 1])
    Alert.objects.bulk_update(alerts, ["attempts", "sent_at", "due_at"])
    AlertAddress.objects.filter(pk=address.pk).update(last_error=error[:120])


def _sent(address: AlertAddress, title: str, body: str) -> str:
    """Why it was not sent; "": it was."""
    try:
        if address.kind == AlertKind.EMAIL:
            SmtpCarrier().send(recipient=address.address, text=Text(title, body))
            return ""
        token = _token(address.kind, address.address)
        look_up(address.address)
        return "" if _robot(address.kind, token, address.secret).notify(body=body, title=title) else "refused"
    except (DeliveryFailed, AddressRefused) as error:
        return str(error)


#: The class of the library, and what leads from the host to the group.
_ROBOTS: Final[Mapping[str, tuple[str, str]]] = {
    AlertKind.DINGTALK: ("apprise.plugins.dingtalk.NotifyDingTalk", "/robot/send?access_token={token}"),
    AlertKind.FEISHU: ("apprise.plugins.feishu.NotifyFeishu", "/open-apis/bot/v2/hook/{token}"),
    AlertKind.WECOM: ("apprise.plugins.wecombot.NotifyWeComBot", "/cgi-bin/webhook/send?key={token}"),
}


def _token(kind: str, address: str) -> str:
    """What names the group in the address that its robot shows: on that product's own host and nowhere else."""
    usual, path = urlsplit(settings.ALERT_URLS[kind]), urlsplit(_ROBOTS[kind][1])
    parts = urlsplit(address)
    if (parts.scheme, parts.netloc) != (usual.scheme, usual.netloc):
        raise AddressRefused("it is not an address of this product")
    if path.query:
        found = parse_qs(parts.query).get(path.query.partition("=")[0], [""])[0]
    else:
        found = parts.path.rstrip("/").rpartition("/")[2]
    if not found or parts.path.rstrip("/") != path.path.format(token=found):
        raise AddressRefused("it is not the address of a group's robot")
    return found


def _robot(kind: str, token: str, secret: str) -> Any:
    module, _dot, name = _ROBOTS[kind][0].rpartition(".")
    try:
        made = getattr(import_module(module), name)
    except ImportError:
        raise DeliveryFailed("the library for groups is not installed") from None
    try:
        signed = {"secret": secret} if kind == AlertKind.DINGTALK and secret else {}
        robot = made(**{"key" if kind == AlertKind.WECOM else "token": token}, **signed)
    except TypeError:
        raise AddressRefused("it is not the address of a group's robot") from None
    url = f"{settings.ALERT_URLS[kind]}{_ROBOTS[kind][1]}"
    robot.notify_url, robot.api_url, robot.redirects = url, url.format(token=token), False
    return robot


# --- addresses --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    kind: str
    name: str
    address: str
    secret: str = ""
    language: str
    events: Sequence[str]
    quiet_from: time | None = None
    quiet_until: time | None = None


def addresses_of(by: Principal) -> QuerySet[AlertAddress]:
    """The merchant's, by age. Raises ``Forbidden``."""
    check_may(Act.CHANGE_CREDENTIALS, by=by)
    check_may(Act.CHANGE_CREDENTIALS, by=by, subject=Subject(merchant_id=by.acting_for, store_id=None))
    return AlertAddress.objects.filter(merchant_id=by.acting_for).order_by("pk")


def add(*, wanted: Wanted, by: Principal, at: datetime) -> AlertAddress:
    """Tell this address from now on. Raises ``Forbidden``, ``Invalid``, ``AddressRefused`` and ``AlertsNotInstalled``."""
    addresses_of(by)
    if wanted.kind not in AlertKind.values or wanted.language not in LANGUAGES:
        raise Invalid("choose one of them", code="invalid_choice")
    events = [name for name in EVENTS if name in wanted.events]
    if not events or len(events) < len(set(wanted.events)):
        raise wrong("events", code="invalid_choice")
    name, address = one_line(wanted.name, limit=60), wanted.address.strip()
    if not name:
        raise wrong("name", code="required")
    if (wanted.quiet_from is None) != (wanted.quiet_until is None):
        raise wrong("quiet_until", code="required")
    if wanted.kind == AlertKind.EMAIL:
        try:
            validate_email(address)
        except ValidationError as error:
            raise wrong("address", code="invalid_email") from error
    else:
        if find_spec("apprise") is None:
            raise AlertsNotInstalled("the library for groups is not installed")
        # The name is looked up before the transaction, not in it.
        _robot(wanted.kind, _token(wanted.kind, address), wanted.secret)
        look_up(address)
    with transaction.atomic():
        Merchant.objects.select_for_update(no_key=True).get(pk=by.acting_for)
        if addresses_of(by).count() >= MOST:
            raise Invalid(f"a merchant has at most {MOST} addresses", code="too_many_alert_addresses")
        row = AlertAddress.objects.create(
            merchant_id=by.acting_for,
            kind=wanted.kind,
            name=name,
            language=wanted.language,
            address=address,
            secret=wanted.secret.strip(),
            events=events,
            quiet_from=wanted.quiet_from,
            quiet_until=wanted.quiet_until,
            created_at=at,
        )
        _record(row, "add", by, at)
    return row


@transaction.atomic
def remove(*, address_id: int, by: Principal, at: datetime) -> None:
    """It is told nothing more. Raises ``Forbidden`` and ``NotFound``."""
    row = _one(address_id, by)
    _record(row, "remove", by, at)
    row.delete()


def send_test(*, address_id: int, by: Principal, at: datetime) -> None:
    """Say hello. Call it outside of any transaction. Raises ``Forbidden``, ``NotFound`` and ``AlertNotSent``."""
    row = _one(address_id, by)
    _record(row, "test", by, at)
    with translation.override(row.language):
        title, body = f"RefundDesk · {row.merchant.name}", gettext("This is a test. Trouble is told here from now on.")
    error = _sent(row, title, body)
    AlertAddress.objects.filter(pk=row.pk).update(last_error=error[:120])
    if error:
        raise AlertNotSent(error)


def _one(address_id: int, by: Principal) -> AlertAddress:
    return existing(addresses_of(by).select_related("merchant").filter(pk=address_id).first(), "address")


def _record(row: AlertAddress, act: str, by: Principal, at: datetime) -> None:
    data = {"kind": row.kind, "name": row.name, "events": list(row.events)}
    record_of(row, by=by.actor, action=f"alert_address.{act}", at=at, data=data)
