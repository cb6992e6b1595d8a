"""A folder for pictures, and a request that takes them."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from refunds.evidence import files
from refunds.models import Evidence, RefundRequest
from tests import pictures
from tests.factories import make_merchant, make_request, make_sale, of_customer


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.VAR_DIR = tmp_path
    return tmp_path / "evidence"


@pytest.fixture
def request_in_review() -> RefundRequest:
    return make_request(make_sale(make_merchant(), 50_000), 26_800)


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def add(request: RefundRequest, count: int = 1, name: str = "photo.jpg", **more: str) -> list[Evidence]:
    read = [files.read_picture(upload=pictures.upload(name=name)) for _ in range(count)]
    return files.add(request_id=request.pk, pictures=read, by=of_customer(request), at=timezone.now(), **more)
