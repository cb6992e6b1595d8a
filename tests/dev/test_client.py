"""What of the API's document the Python client is made from."""

from __future__ import annotations

from typing import Any

from dev.client import for_keys


def test_client_has_what_keys_may_call_and_takes_choices_that_are_still_unknown() -> None:
    choice = {"$ref": "#/components/schemas/StateEnum"}
    ok: dict[str, Any] = {
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/RefundOut"}}},
    }
    document = {
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1", "description": "long"},
        "paths": {
            "/a": {
                "get": {"security": [{"apiKey": []}, {}], "responses": {"200": ok}},
                "post": {"security": [{"cookieAuth": []}], "responses": {}},
            },
            "/b": {"get": {"security": [{"cookieAuth": []}], "responses": {}}},
        },
        "components": {
            "schemas": {
                "RefundOut": {
                    "properties": {
                        "state": {"allOf": [choice], "description": "d"},
                        "of": {"oneOf": [choice, {"$ref": "#/components/schemas/NullEnum"}]},
                    }
                },
                "StateEnum": {"enum": ["approved"], "type": "string"},
                "NullEnum": {"enum": [None]},
                "StaffOut": {"properties": {}},
            },
            "headers": {},
        },
    }
    made = for_keys(document)
    assert {path: list(item) for path, item in made["paths"].items()} == {"/a": ["get"]}
    assert made["info"] == {"title": "T", "version": "1"}
    assert set(made["components"]["schemas"]) == {"RefundOut", "StateEnum", "NullEnum"}
    assert made["components"]["schemas"]["RefundOut"]["properties"] == {
        "state": {"type": "string", "description": "d"},
        "of": {"oneOf": [{"type": "string"}, {"type": "null"}]},
    }
