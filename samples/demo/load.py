"""Loading the sample data: everything at the first start, addresses and missing secrets at every later one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from core import doorbell
from integrations import stand_ins
from integrations.stand_ins import Account, Control
from merchants import api_keys, principals
from merchants.models import Merchant, Role, Staff
from refunds.evidence import files
from refunds.models import Execution
from refunds.payouts import ledger
from refunds.states import State
from samples.demo import day, demo_json, differences, guarded, happenings, merchants, pictures, plan, record
from samples.demo.demo_json import Secrets
from samples.demo.merchants import KEY_MAKER, OUTLINES, Outline
from samples.demo.record import Told
from samples.demo.story import PlannedSale, Story
from samples.retail import excerpt

#: One loader at a time, on any machine: an advisory lock's number.
_LOCK = 7_305_221_846


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load did; all zero when the data was there already."""

    sales: int = 0
    requests: int = 0
    pictures: int = 0


#: By motif and variant.
_Pictures = Mapping[tuple[str, int], Future[files.Picture]]


@dataclass(frozen=True, slots=True)
class _Plan:
    outline: Outline
    sales: list[PlannedSale]
    stories: list[Story]


def load(*, demo_json_file: Path, simulators: Path, now: datetime) -> Loaded:
    """Bring the sample data up to date and write demo.json. Raises ``StandInUnreachable``; then nothing was stored."""
    accounts = stand_ins.accounts_in(simulators)
    secrets = demo_json.read(demo_json_file)
    loaded = Loaded()
    with ThreadPoolExecutor(max_workers=2) as beside:
        first = not _is_loaded()
        if first:
            secrets = Secrets()
        hashes = _missing_passwords(secrets, beside)
        if first:
            loaded = _load_first(accounts, secrets, now, beside)
            _seed_past(accounts)
            differences.leave(accounts, now=now)
            # Nobody has to wait for the schedule to see the first statements.
            doorbell.ring(["refunds.reconcile"])
        else:
            _refresh(accounts, secrets, now)
        _store_passwords(hashes)
    guarded.keep(secrets, now=now)
    demo_json.write(demo_json_file, base_url=settings.BASE_URL, secrets=secrets, accounts=accounts)
    return loaded


def _is_loaded() -> bool:
    return Merchant.objects.filter(code=OUTLINES[-1].code).exists()


def _missing_passwords(secrets: Secrets, beside: ThreadPoolExecutor) -> dict[str, Future[str]]:
    """New passwords for logins that have none in demo.json. Hashing runs beside the loading."""
    hashes = {}
    for outline in OUTLINES:
        for username, _ in merchants.logins(outline):
            if username not in secrets.passwords:
                secrets.passwords[username] = merchants.new_password()
                hashes[username] = beside.submit(merchants.hashed, secrets.passwords[username])
    return hashes


@transaction.atomic
def _store_passwords(hashes: Mapping[str, Future[str]]) -> None:
    people = list(Staff.objects.filter(username__in=hashes))
    for person in people:
        person.password = hashes[person.username].result()
    Staff.objects.bulk_update(people, ["password"])


# --- the first start ------------------------------------------------------------------------------------------------


def _load_first(accounts: Mapping[str, Account], secrets: Secrets, now: datetime, beside: ThreadPoolExecutor) -> Loaded:
    plans = [_planned(outline, accounts, now) for outline in OUTLINES]
    taken = _take_pictures(plans, beside)
    retail = excerpt.read(now=now)
    # The channels know of a payment before anybody asks for its refund; and no network inside a transaction.
    for channel, account in accounts.items():
        control = Control(account.control_url)
        control.seed(_payments(plans, channel))
        if channel == excerpt.CHANNEL:
            control.seed(excerpt.payments(retail))
            control.order_faults([fault for one in plans for story in one.stories for fault in story.faults])
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        if _is_loaded():  # by a loader that was faster
            _refresh(accounts, secrets, now)
            return Loaded()
        told: list[Told] = []
        houses = []
        sales = 0
        for one in plans:
            house, secrets.keys[one.outline.code] = merchants.create(one.outline, accounts=accounts, now=now)
            houses.append(house)
            sales += record.store_planned_sales(house, one.sales, now=now)
            told += record.tell(house, one.stories, now=now)
            if house.outline is merchants.RETAIL:
                sales += excerpt.store(retail, merchant=house.merchant, now=now)
        ledger.post_missing()
        happenings.leave(next(house for house in houses if house.outline is merchants.RETAIL), now=now)
        return Loaded(sales, len(told), _add_pictures(told, taken))


def _planned(outline: Outline, accounts: Mapping[str, Account], now: datetime) -> _Plan:
    draw = plan.Draw.of(outline, accounts.keys())
    sales, stories = plan.history(draw, now=now)
    sales_today, stories_today = day.today(draw, now=now)
    return _Plan(outline, sorted([*sales, *sales_today], key=lambda sale: sale.paid_at), [*stories, *stories_today])


def _payments(plans: Iterable[_Plan], channel: str) -> list[dict[str, object]]:
    return [
        {
            "order_no": sale.order_no,
            "transaction_no": sale.channel_transaction_no,
            "amount_fen": sale.amount_fen,
            "paid_at": sale.paid_at.isoformat(timespec="seconds"),
        }
        for one in plans
        for sale in one.sales
        if sale.channel == channel
    ]


def _seed_past(accounts: Mapping[str, Account]) -> None:
    """The channels' books get the refunds that ours say they paid."""
    for channel, account in accounts.items():
        paid = Execution.objects.filter(proof_source=record.SOURCE, channel_account__channel=channel)
        past = [
            {
                "order_no": execution.transaction.order_no,
                "refund_no": execution.refund_no,
                "channel_refund_no": execution.channel_refund_no,
                "amount_fen": execution.amount_fen,
                "kind": execution.method,
                "moved_at": execution.ended_at.isoformat(timespec="milliseconds"),
            }
            for execution in paid.select_related("transaction").order_by("ended_at", "pk")
            if execution.ended_at is not None
        ]
        Control(account.control_url).seed_past(past)


def _take_pictures(plans: Iterable[_Plan], beside: ThreadPoolExecutor) -> _Pictures:
    """All that may be wanted, made beside the loading: drawing leaves the other core to it."""
    wanted = Counter(motif for one in plans for story in one.stories for motif in story.pictures)
    return {
        (motif, variant): beside.submit(pictures.picture, motif, variant)
        for motif, count in wanted.items()
        for variant in range(count)
    }


def _add_pictures(told: Iterable[Told], made: _Pictures) -> int:
    taken: Counter[str] = Counter()
    for one in told:
        if one.request.state == State.CANCELLED:
            continue
        for motif in one.story.pictures:
            kind, note = pictures.KINDS[motif]
            files.add(
                request_id=one.request.pk,
                pictures=[made[motif, taken[motif]].result()],
                by=principals.of_customer(
                    merchant_id=one.request.merchant_id, store_id=one.request.store_id, request_id=one.request.pk
                ),
                at=one.story.at,
                kind=kind,
                note=note,
            )
            taken[motif] += 1
    return taken.total()


# --- every later start ----------------------------------------------------------------------------------------------


@transaction.atomic
def _refresh(accounts: Mapping[str, Account], secrets: Secrets, now: datetime) -> None:
    """Ports and the stand-ins' keys may have changed; a key that demo.json has lost is replaced."""
    for sandbox in Merchant.objects.filter(sandbox_of__isnull=False).order_by("pk"):
        stand_ins.keep_accounts(sandbox, accounts)
    for outline in OUTLINES:
        merchant = Merchant.objects.get(code=outline.code)
        stand_ins.keep_accounts(merchant, accounts)
        client = api_keys.recognise(secrets.keys.get(outline.code, ""))
        if client is None or client.principal.merchant_id != merchant.pk:
            _replace_key(merchant, secrets, now)


def _replace_key(merchant: Merchant, secrets: Secrets, now: datetime) -> None:
    maker = merchant.staff.get(username=f"{merchant.code.lower()}.{KEY_MAKER}", role=Role.OWNER)
    for lost in merchant.api_keys.filter(name=merchants.KEY_NAME, revoked_at=None):
        api_keys.revoke(key=lost, by=principals.of_staff(maker), at=now, typed_name=lost.name)
    _, secrets.keys[merchant.code] = merchants.new_key(merchant, maker, now)
