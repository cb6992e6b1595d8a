"""The table of a policy's fields."""

from __future__ import annotations

from dataclasses import fields as dataclass_fields

from merchants.policies import fields
from merchants.policies.rules import ReasonRule, Rules


def test_every_field_is_one_of_the_typed_rules() -> None:
    sections = (fields.POLICY, fields.TIER, fields.REASON, fields.SELECTORS, fields.EXCEPTION, fields.ROUTE)
    every = [(one.section, one.name) for section in sections for one in section]
    assert len(set(every)) == len(every)
    for section, type_ in ((fields.POLICY, Rules), (fields.REASON, ReasonRule)):
        assert {one.name for one in section} <= {one.name for one in dataclass_fields(type_)}
