"""The paper with a deposit's terms: kept once, beforehand, written anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from terminals.models import Deposit, Transaction
from tests import papers, pictures
from tests.api.conftest import Api, api_for
from tests.factories import make_merchant, make_request, make_sale, make_staff
from tests.refunds.evidence.conftest import files_below

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Api:
    return api_for(make_merchant())


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.VAR_DIR = tmp_path
    return tmp_path / "evidence"


@pytest.fixture
def sale(api: Api) -> Transaction:
    sale = make_sale(api.merchant, 30_000, kind="deposit")
    said = {"kind": "earnest", "contract_amount_fen": 100_000, "terms": "婚宴 12 桌"}
    assert api.post(f"transactions/{sale.pk}/deposit", said).status_code == 200
    return sale


def send(api: Api, sale: Transaction, upload: Any) -> Any:
    headers = {"Authorization": f"Bearer {api.key}"}
    return Client().post(f"/api/v1/transactions/{sale.pk}/deposit/document", {"file": upload}, headers=headers)


def test_keep_document_when_sent_twice_keeps_one_and_staff_can_open_it(
    folder: Path, api: Api, sale: Transaction
) -> None:
    first = send(api, sale, pictures.upload())
    assert (first.status_code, first.json()["document_sha256"] is not None) == (200, True), first.content
    assert send(api, sale, pictures.upload()).status_code == 200
    told = api.get(f"transactions/{sale.pk}").json()["deposit"]
    assert (told["terms"], told["document_sha256"]) == ("婚宴 12 桌", first.json()["document_sha256"])
    desk = Client()
    desk.force_login(make_staff(api.merchant, "cashier"), backend="django.contrib.auth.backends.ModelBackend")
    shown = desk.get(f"/desk/transactions/{sale.pk}/terms")
    assert (shown.status_code, shown["Content-Type"]) == (200, "image/jpeg")
    assert f"/desk/transactions/{sale.pk}/terms" in desk.get(f"/desk/transactions/{sale.pk}").content.decode()


def test_keep_document_when_another_is_kept_or_it_comes_too_late_leaves_no_file(
    folder: Path, api: Api, sale: Transaction
) -> None:
    assert send(api, sale, papers.upload()).status_code == 200
    before = files_below(folder)
    other = send(api, sale, pictures.upload())
    assert (other.status_code, other.json()["code"]) == (409, "deposit_terms_differ")
    late = make_sale(api.merchant, 30_000, kind="deposit")
    said = {"kind": "earnest", "contract_amount_fen": 100_000, "terms": "x"}
    api.post(f"transactions/{late.pk}/deposit", said)
    make_request(late, 1_000)
    assert send(api, late, pictures.upload()).json()["code"] == "deposit_terms_too_late"
    assert send(api_for(make_merchant()), sale, pictures.upload()).status_code == 404
    assert send(api, make_sale(api.merchant), pictures.upload()).status_code == 404
    assert files_below(folder) == before
    assert Deposit.objects.get(pk=late.pk).document_path == ""
