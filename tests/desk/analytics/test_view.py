"""The page and its table: who may see them, whose figures they show, and that every link leads to the rows it counts."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.test import Client

from analytics.periods import Period
from core.calendar import SHANGHAI
from core.spreadsheets import cell
from desk.analytics import links
from merchants.models import Role, Staff
from refunds.models import RefundRequest
from refunds.states import State
from tests.analytics.rows import World
from tests.factories import make_merchant, make_sale, make_staff, works_in

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 14, 40, tzinfo=SHANGHAI)


@pytest.fixture(autouse=True)
def _invariants_hold() -> None:
    """Rows without audit events and payouts break invariants on purpose."""


@pytest.fixture(autouse=True)
def _afternoon() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def world() -> World:
    world = World()
    world.fill(seed=11, start=NOW - timedelta(days=50), end=NOW, count=300)
    world.write()
    return world


def signed_in(staff: Staff, language: str = "en") -> Client:
    client = Client(HTTP_ACCEPT_LANGUAGE=language)
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    return client


def total_of_list(client: Client, url: str) -> int:
    response = client.get(url)
    assert response.status_code == 200, url
    return int(response.context["total"].count)


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.MANAGER, Role.FINANCE, Role.OWNER])
def test_page_is_for_those_who_answer_for_figures(world: World, role: str) -> None:
    response = signed_in(make_staff(world.merchant, role)).get("/desk/analytics")
    assert response.status_code == 200


@pytest.mark.parametrize("path", ["/desk/analytics", "/desk/analytics.csv"])
def test_cashiers_are_refused(world: World, path: str) -> None:
    assert signed_in(make_staff(world.merchant, Role.CASHIER)).get(path).status_code == 403


def test_strangers_are_asked_to_sign_in() -> None:
    response = Client().get("/desk/analytics?period=7")
    assert (response.status_code, response.headers["Location"]) == (302, "/login?next=/desk/analytics%3Fperiod%3D7")


@pytest.mark.parametrize("query", ["", "?period=7", "?period=today", "?from=2026-10-03&to=2026-11-10", "?by=amount"])
def test_every_figure_leads_to_exactly_its_rows(world: World, query: str) -> None:
    client = signed_in(make_staff(world.merchant, Role.OWNER))
    context = client.get(f"/desk/analytics{query}").context
    kpis = {kpi.label: kpi for kpi in context["kpis"]}
    ns = {
        "Refunded amount": r"^([\d,]+) refunds",
        "Refund rate by value": r"^([\d,]+) of",
        "Share approved by rule": r"^([\d,]+) of",
        "Median handling time": r"n = ([\d,]+)$",
        "Share on time": r"^([\d,]+) late",
    }
    for label, pattern in ns.items():
        stated = re.search(pattern, kpis[label].small)
        assert stated, kpis[label].small
        assert total_of_list(client, kpis[label].url) == int(stated[1].replace(",", ""))
    for step in context["funnel"]:
        assert total_of_list(client, step.url) == step.count, step.label
    for reason in context["reasons"]:
        count = reason.extra if query == "?by=amount" else reason.figure
        assert total_of_list(client, reason.url) == int(count.replace(",", ""))
    for store in context["stores"]:
        assert total_of_list(client, store.url) == int(store.count)
    for channel in context["channels"]:
        assert total_of_list(client, channel.url) == int(channel.count)
    for cashier in context["cashiers"]:
        assert total_of_list(client, cashier.url) == int(cashier.count)
    for bar in context["failures"]:
        assert total_of_list(client, bar.url) == int(bar.figure)
    if query in ("?period=7", "?period=today"):
        in_bars = sum(total_of_list(client, point.url) for point in context["trend"].points if point.url)
        assert in_bars == total_of_list(client, kpis["Refunded amount"].url)
    assert sum(point.value for point in context["trend"].points) == context["trend"].total_fen


@pytest.mark.parametrize("query", ["", "?period=7", "?from=2026-10-03&to=2026-11-10"])
def test_causes_and_tills_lead_to_exactly_their_rows(world: World, query: str) -> None:
    client = signed_in(make_staff(world.merchant, Role.OWNER))
    context = client.get(f"/desk/analytics{query}").context
    assert context["tills"]
    assert context["drivers"].rows
    for till in context["tills"]:
        assert total_of_list(client, till.url) == int(till.count)
    for driver in context["drivers"].rows:
        for url, count in (("url", "count"), ("previous_url", "previous_count")):
            assert (total_of_list(client, getattr(driver, url)) if getattr(driver, url) else 0) == int(
                getattr(driver, count)
            )
        if driver.terminal_url:
            assert total_of_list(client, driver.terminal_url) == int(driver.terminal_count)


def test_more_figures_say_both_periods_and_over_how_many(world: World) -> None:
    client = signed_in(make_staff(world.merchant, Role.OWNER))
    context = client.get("/desk/analytics?period=7").context
    more = {row.label: row for row in context["more"]}
    start, end = datetime(2026, 11, 16, tzinfo=SHANGHAI), datetime(2026, 11, 23, tzinfo=SHANGHAI)
    mine = [row for row in world.requests if start <= row.created_at < end]
    rejected = sum(row.state == State.REJECTED for row in mine)
    decided = sum(row.decided_at is not None and row.state != State.CANCELLED for row in mine)
    assert more["Rejected of those decided"].n == f"{rejected} / {decided}"
    assert total_of_list(client, more["Rejected of those decided"].url) == rejected
    ended = [row for row in world.executions if start <= row.request.created_at < end]
    first = sum(row.state == "succeeded" and row.attempt_no == 1 and row.sends == 1 for row in ended)
    assert more["Paid at the first call"].n == f"{first} / {len(ended)}"
    assert more["Fees lost"].value == "¥0.00"
    assert all(row.previous for row in context["more"])


def test_chosen_store_and_channel_go_along_into_the_links(world: World) -> None:
    client = signed_in(make_staff(world.merchant, Role.OWNER))
    context = client.get("/desk/analytics?store=S002").context
    start, end = datetime(2026, 10, 24, tzinfo=SHANGHAI), datetime(2026, 11, 23, tzinfo=SHANGHAI)
    expected = RefundRequest.objects.filter(store__code="S002", succeeded_at__gte=start, succeeded_at__lt=end)
    assert context["reasons_n"] == str(expected.count())
    assert [store.name for store in context["stores"]] == ["2号店"]
    for kpi in context["kpis"]:
        assert parse_qs(urlsplit(kpi.url).query)["store"] == ["S002"]


def test_staff_of_one_store_see_that_store_only(world: World) -> None:
    reviewer = make_staff(world.merchant, Role.REVIEWER)
    works_in(reviewer, world.stores[1])
    client = signed_in(reviewer)
    whole = client.get("/desk/analytics").context
    assert [store.name for store in whole["stores"]] == [world.stores[1].name]
    assert {cashier.url.split("store=")[1][:4] for cashier in whole["cashiers"]} == {"S002"}
    # Asking for a store that one does not work for gets nothing of it.
    sneaky = client.get("/desk/analytics?store=S001").context
    assert [store.name for store in sneaky["stores"]] == [world.stores[1].name]


def test_another_merchants_refunds_are_never_counted(world: World) -> None:
    stranger = make_merchant()
    context = signed_in(make_staff(stranger, Role.OWNER)).get("/desk/analytics").context
    assert (context["reasons_n"], context["stores"], context["cashiers"], context["insight"]) == ("0", [], [], None)


def test_empty_period_shows_dashes_and_no_change() -> None:
    merchant = make_merchant()
    make_sale(merchant, 5_000, paid_at=NOW - timedelta(days=9))
    response = signed_in(make_staff(merchant, Role.OWNER)).get("/desk/analytics?period=today&channel=wechat")
    values = [(kpi.value, kpi.delta) for kpi in response.context["kpis"]]
    assert values == [("¥0.00", "--"), ("--", "--"), ("--", "--"), ("--", "--"), ("--", "--")]
    assert "No figures in this period" in response.content.decode()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("period=year", "not known"),
        ("from=2026-13-01", "yyyy-mm-dd"),
        ("from=2026-11-20&to=2026-11-01", "after the last"),
        ("from=2020-01-01", "At most 400 days"),
    ],
)
def test_period_that_cannot_be_understood_is_said_so(world: World, query: str, words: str) -> None:
    response = signed_in(make_staff(world.merchant, Role.OWNER)).get(f"/desk/analytics?{query}")
    assert response.status_code == 400
    assert words in unescape(response.content.decode())
    assert response.context["period_label"] == "2026-10-24 – 2026-11-22"


def test_page_is_there_in_chinese(world: World) -> None:
    response = signed_in(make_staff(world.merchant, Role.OWNER), "zh-hans").get("/desk/analytics")
    assert (response.status_code, '<html lang="zh-Hans"' in response.content.decode()) == (200, True)


def test_table_holds_the_same_figures(world: World) -> None:
    client = signed_in(make_staff(world.merchant, Role.OWNER))
    page = client.get("/desk/analytics?period=7")
    response = client.get(page.context["controls"].export_url)
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert 'filename="refunds-2026-11-16-2026-11-22.csv"' in response.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    amounts = [row for row in rows if row["Figure"] == "Refunded amount"]
    assert [(row["From"], row["To"]) for row in amounts] == [("2026-11-16", "2026-11-22"), ("2026-11-09", "2026-11-15")]
    assert f"¥{float(amounts[0]['Value']):,.2f}" == page.context["kpis"][0].value
    trend = [row for row in rows if row["Figure"] == "Trend"]
    assert len(trend) == 7
    assert sum(round(float(row["Value"]) * 100) for row in trend) == page.context["trend"].total_fen


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-cmd", "'-cmd"),
        ("+44", "'+44"),
        ("-1.5", "-1.5"),
        ("\t=1", "'\t=1"),
        ("店", "店"),
    ],
)
def test_no_cell_becomes_a_formula(text: str, shown: str) -> None:
    assert cell(text) == shown


def test_store_named_like_a_formula_stays_a_text(world: World) -> None:
    world.stores[0].code = "=HYPERLINK"
    world.stores[0].save()
    response = signed_in(make_staff(world.merchant, Role.OWNER)).get("/desk/analytics.csv")
    cells = [one for row in csv.reader(io.StringIO(response.content.decode("utf-8-sig"))) for one in row]
    assert any("HYPERLINK" in one for one in cells)
    assert not any(one.startswith("=") for one in cells)


@pytest.mark.parametrize("query", ["created_after=soon", "succeeded_before=9999-12-31T", "by_rule=2", "late=x"])
def test_nonsense_in_a_link_finds_nothing(world: World, query: str) -> None:
    assert total_of_list(signed_in(make_staff(world.merchant, Role.OWNER)), f"/desk/refunds?{query}") == 0


def test_list_says_what_it_is_narrowed_to_and_lets_go_of_it(world: World) -> None:
    client = signed_in(make_staff(world.merchant, Role.OWNER))
    url = links.Links(period=_last_week()).submitted(states=links.several((State.REFUNDED, State.CLOSED)), by_rule="1")
    response = client.get(url)
    chips = {chip.label: chip for chip in response.context["filters"] if chip.current_label}
    assert chips["State"].current_label == "Closed, Refunded"
    assert chips["Approval"].current_label == "by rule"
    assert "created_after" not in chips["Submitted"].clear_url
    assert "by_rule=1" in chips["Submitted"].clear_url


def _last_week() -> Period:
    return Period(first_date=(NOW - timedelta(days=6)).date(), last_date=NOW.date(), now=NOW)
