"""What the API says of a proof has every field that is described."""

from __future__ import annotations

from api.schemas_trials import ExposureOut, FindingOut
from merchants.policies.rules import read_rules
from refunds.rules.exposure import exposures
from refunds.rules.proof import findings
from tests.factories import RULES


def test_shapes_when_made_of_a_proof_are_plain_data() -> None:
    rules = read_rules(RULES)
    first = FindingOut.of(findings(rules)[0])
    assert (first["code"], first["severity"]) == ("reason_without_rule", "note")
    assert first["example"]["route"] == "original"
    cashier = ExposureOut.of(exposures(rules)[0])
    assert (cashier["amount_fen"], cashier["steps"][0]["order"]) == (200_000, 1)
