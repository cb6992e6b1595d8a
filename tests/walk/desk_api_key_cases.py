"""API keys, their mandates and stops, at the desk."""

from __future__ import annotations

from typing import Any

from merchants.models import ApiKey, Role
from tests.walk.cases import case
from tests.walk.stage import Stage, text_of


@case("GET", "/desk/api-keys")
def api_keys(stage: Stage) -> None:
    stage.issued()
    assert "till" in stage.get(Role.OWNER, "/desk/api-keys")


@case("POST", "/desk/api-keys")
def issue_key(stage: Stage) -> None:
    form: dict[str, Any] = {"name": "收银台", "scopes": ["refunds:read"], "store": "S001"}
    answer = stage.post(Role.OWNER, "/desk/api-keys", **form, expect=200)
    assert "rd_live_" in text_of(answer)
    assert ApiKey.objects.get().name == "收银台"


@case("GET", "/desk/api-keys/<int:key_id>/rotate")
def rotate_key_form(stage: Stage) -> None:
    row, _key, _secret = stage.issued()
    assert "typed_name" in stage.get(Role.OWNER, f"/desk/api-keys/{row.pk}/rotate")


@case("GET", "/desk/api-keys/<int:key_id>/revoke")
def revoke_key_form(stage: Stage) -> None:
    row, _key, _secret = stage.issued()
    assert "typed_name" in stage.get(Role.OWNER, f"/desk/api-keys/{row.pk}/revoke")


@case("POST", "/desk/api-keys/<int:key_id>/rotate")
def rotate_key(stage: Stage) -> None:
    row, _key, _secret = stage.issued()
    form = {"typed_name": row.name, "overlap": "24h"}
    answer = stage.post(Role.OWNER, f"/desk/api-keys/{row.pk}/rotate", **form, expect=200)
    assert "rd_live_" in text_of(answer)
    assert ApiKey.objects.count() == 2


@case("POST", "/desk/api-keys/<int:key_id>/revoke")
def revoke_key(stage: Stage) -> None:
    row, _key, _secret = stage.issued()
    stage.post(Role.OWNER, f"/desk/api-keys/{row.pk}/revoke", typed_name=row.name)
    row.refresh_from_db()
    assert row.revoked_at is not None


@case("GET", "/desk/api-keys/<int:key_id>/mandate")
def mandate_form(stage: Stage) -> None:
    row, _key, _secret = stage.issued()
    assert "max_fen_day" in stage.get(Role.OWNER, f"/desk/api-keys/{row.pk}/mandate")


@case("POST", "/desk/api-keys/<int:key_id>/mandate")
def set_mandate(stage: Stage) -> None:
    row, _key, _secret = stage.issued()
    stage.post(Role.OWNER, f"/desk/api-keys/{row.pk}/mandate", max_fen="200")
    row.refresh_from_db()
    assert row.mandate == {"max_fen": 20_000}


@case("POST", "/desk/api-keys/<int:key_id>/stop")
def stop_key(stage: Stage) -> None:
    row, _key, _secret = stage.issued()
    stage.post(Role.OWNER, f"/desk/api-keys/{row.pk}/stop")
    row.refresh_from_db()
    assert row.stopped_at is not None


@case("GET", "/desk/api-keys/stops")
def stops(stage: Stage) -> None:
    assert "S001" in stage.get(Role.OWNER, "/desk/api-keys/stops")


@case("POST", "/desk/api-keys/stops")
def stop_keys(stage: Stage) -> None:
    stage.post(Role.OWNER, "/desk/api-keys/stops", which="*", act="stop")
    stage.merchant.refresh_from_db()
    assert stage.merchant.keys_stopped_at is not None
