"""``manage.py replay_returns FILE``: a real shop's credit notes as refund requests, through the REST API."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.money import yuan_grouped
from integrations.stand_ins import Control, StandInUnreachable
from merchants.models import Merchant
from samples.retail import replay
from samples.retail.client import ApiUnreachable, Client
from samples.retail.lines import FormatError
from samples.retail.matching import Matched, match_file
from samples.retail.replay import Replayed
from samples.retail.wishes import Wish, wishes

_EVERY = 250


class Command(BaseCommand):
    help = (
        "Submit the credit notes of a file (as load_retail takes it, and loaded by it) as refund requests, and print what "
        "became of each. Addresses and the key default to those of var/demo.json. Safe to repeat within 24 hours: the same "
        "credit note has the same Idempotency-Key."
    )

    _told = 0

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--merchant", default="M002", help="the merchant's code (M002)")
        parser.add_argument("--base-url", default="")
        parser.add_argument("--api-key", default="")
        parser.add_argument(
            "--simulator-control",
            default=None,
            metavar="URL",
            help="where to make the payments known first; empty: nowhere",
        )
        parser.add_argument("--width", type=int, default=8, help="requests at a time (8)")
        parser.add_argument("--follow", type=float, default=360, metavar="S", help="look after them for so long (360)")
        parser.add_argument("--report", type=Path, help="write every line's outcome to this CSV file")
        parser.add_argument("--demo-json", type=Path, default=Path(settings.VAR_DIR) / "demo.json")

    def handle(self, *_args: Any, **options: Any) -> None:
        began = time.monotonic()
        merchant = Merchant.objects.filter(code=options["merchant"]).first()
        if merchant is None:
            raise CommandError(f"there is no merchant {options['merchant']}: run load_demo first, or name another one")
        base_url, api_key, control_url = _addresses(options)
        client = Client(base_url=base_url, api_key=api_key, connections=options["width"])
        try:
            client.check()
            matched = match_file(options["file"])
            asked = wishes(matched.matches)
            replayed = self._submit(asked, merchant, client, control_url, options)
        except (ApiUnreachable, FormatError, OSError, StandInUnreachable) as error:
            raise CommandError(f"{error}") from error
        if options["report"]:
            replay.write_report(options["report"], matched, replayed)
        self._tell(matched, replayed, time.monotonic() - began)

    def _submit(
        self, asked: list[Wish], merchant: Merchant, client: Client, control_url: str, options: dict[str, Any]
    ) -> Replayed:
        control = Control(control_url) if control_url else None
        if control is not None:
            seeded = control.seed(replay.payments(merchant=merchant, wishes=asked))
            # A real shop's amounts end as they end: they are no orders for a special outcome.
            control.set_magic(enabled=False)
            self.stderr.write(f"{seeded:,} payments made known to the channel; amounts mean nothing special meanwhile")
        try:
            replayed = replay.submit_all(
                asked, client=client, width=options["width"], progress=lambda done: self._progress(done, len(asked))
            )
            replay.follow(
                replayed,
                client=client,
                for_s=options["follow"],
                progress=lambda moving: self.stderr.write(f"{moving:,} on their way to the channel"),
            )
        finally:
            if control is not None:
                control.set_magic(enabled=True)
        return replayed

    def _progress(self, done: int, of: int) -> None:
        if done >= self._told + _EVERY or done == of:
            self._told = done
            self.stderr.write(f"{done:,} of {of:,} requests answered")

    def _tell(self, matched: Matched, replayed: Replayed, seconds: float) -> None:
        rows = replay.summary(matched, replayed)
        self.stdout.write(f"{'lines':>7}  {'requests':>8}  {'yuan':>14}  outcome")
        for row in rows:
            besides = f" ({row.capped_lines:,} lines, each with its outcome above)" if row.capped_lines else ""
            self.stdout.write(
                f"{row.lines or '':>7}  {row.requests or '':>8}  {yuan_grouped(row.amount_fen):>14}  {row.outcome}{besides}"
            )
        lines, credited_fen = sum(row.lines for row in rows), sum(matched.tally.credited_fen.values())
        self.stdout.write(
            f"{lines:>7,}  {len(replayed.submitted):>8,}  {yuan_grouped(sum(row.amount_fen for row in rows)):>14}  "
            f"credit note lines in all; they give {yuan_grouped(credited_fen)}"
        )
        self.stdout.write(
            f"{replayed.repeats:,} requests were known from an earlier run; a credit note is one request for every sale that "
            f"it returns to; {seconds:.1f} s"
        )


def _addresses(options: dict[str, Any]) -> tuple[str, str, str]:
    """Base URL, key and the stand-in's control URL, from the options or else from demo.json."""
    found: dict[str, Any] = {}
    if options["demo_json"].exists():
        found = json.loads(options["demo_json"].read_text())
    keys = {merchant["code"]: merchant["api_key"] for merchant in found.get("merchants", [])}
    base_url = options["base_url"] or found.get("base_url", "")
    api_key = options["api_key"] or keys.get(options["merchant"], "")
    control_url = options["simulator_control"]
    if control_url is None:
        control_url = found.get("simulators", {}).get("wechat", {}).get("control_url", "")
    if not base_url or not api_key:
        raise CommandError(f"name --base-url and --api-key: there is no {options['demo_json']} with them")
    return base_url, api_key, control_url
