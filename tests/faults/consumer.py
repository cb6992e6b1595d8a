"""Somebody's copy of refunds and sales, written from the guide alone (``/api/docs.md``) and with nothing but Python's library.

``python consumer.py feed|hook|copy FILE BASE KEY [PORT]``: what it knows is in FILE, an SQLite database, each step in one
transaction with the place in the feed or the ``webhook-id`` that led to it. It may be killed at any moment.
"""

import base64
import hashlib
import hmac
import json
import sqlite3
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import quote

_TABLES = """
CREATE TABLE IF NOT EXISTS place (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS thing (kind TEXT, id TEXT, json TEXT, PRIMARY KEY (kind, id));
CREATE TABLE IF NOT EXISTS heard (id TEXT PRIMARY KEY, times INTEGER);
CREATE TABLE IF NOT EXISTS secret (value TEXT PRIMARY KEY);
"""
REFUNDS, SALES = "refund-requests", "transactions"
_LISTS = {"refund_request": REFUNDS, "transaction": SALES}
#: What every list of refunds gives and so does GET of one.
FIELDS = {
    REFUNDS: "id,number,state,version,amount_fen,refunded_fen,transaction",
    SALES: "id,order_no,amount_fen,refunded_fen,refundable_fen",
}


def opened(file: str) -> sqlite3.Connection:
    """The copy, with its tables."""
    copy = sqlite3.connect(file, timeout=30)
    copy.executescript(_TABLES)
    return copy


def call(base: str, key: str, path: str) -> tuple[Any, datetime]:
    """What a GET answers, and its ``Date``. What is busy or away is asked again after ``Retry-After``; 404 is None."""
    while True:
        request = urllib.request.Request(base + path, headers={"Authorization": f"Bearer {key}"})  # noqa: S310 -- its own server
        try:
            with urllib.request.urlopen(request, timeout=40) as answer:  # noqa: S310 -- as above
                return json.load(answer), parsedate_to_datetime(answer.headers["Date"])
        except urllib.error.HTTPError as error:
            if error.code != 429 and error.code < 500:
                raise
            time.sleep(float(error.headers.get("Retry-After", 1)))
        except OSError:
            time.sleep(0.2)


def keep(copy: sqlite3.Connection, kind: str, row: dict[str, Any]) -> None:
    """Write it over by its id. Of a refund nothing is older than what is there: ``version`` says so."""
    found = copy.execute("SELECT json FROM thing WHERE kind = ? AND id = ?", (kind, row["id"])).fetchone()
    if found and kind == REFUNDS and json.loads(found[0])["version"] > row["version"]:
        return
    text = json.dumps({name: row[name] for name in FIELDS[kind].split(",")})
    copy.execute("INSERT OR REPLACE INTO thing VALUES (?, ?, ?)", (kind, row["id"], text))


def follow(copy: sqlite3.Connection, base: str, key: str) -> None:
    """Each event once: what it is about is read as it is now, and so is the sale of a refund."""
    while True:
        place = copy.execute("SELECT value FROM place WHERE name = 'after'").fetchone()
        page, _ = call(base, key, "/api/v1/events?wait=2&limit=7" + (f"&after={place[0]}" if place else ""))
        with copy:
            for event in page["results"]:
                copy.execute(
                    "INSERT INTO heard VALUES (?, 1) ON CONFLICT DO UPDATE SET times = times + 1", (event["id"],)
                )
                read_again(copy, base, key, event["object"])
            copy.execute("INSERT OR REPLACE INTO place VALUES ('after', ?)", (page["next"],))


def read_again(copy: sqlite3.Connection, base: str, key: str, thing: dict[str, Any]) -> None:
    """The refund or sale that an event is about."""
    kind = _LISTS.get(thing["type"])
    if kind is None:
        return
    row, _ = call(base, key, f"/api/v1/{kind}/{thing['id']}")
    keep(copy, kind, row)
    if kind == REFUNDS:
        keep(copy, SALES, call(base, key, f"/api/v1/{SALES}/{row['transaction']}")[0])


def poll(copy: sqlite3.Connection, base: str, key: str) -> None:
    """By ``updated_after`` alone: all pages, next time from a minute before this reading's first answer."""
    while True:
        place = copy.execute("SELECT value FROM place WHERE name = 'since'").fetchone()
        began = None
        for kind, fields in FIELDS.items():
            path: str | None = f"/api/v1/{kind}?limit=5&fields={fields}" + (
                f"&updated_after={quote(place[0])}" if place else ""
            )
            while path:
                page, at = call(base, key, path)
                began = began or at
                with copy:
                    for row in page["results"]:
                        keep(copy, kind, row)
                path = page["next"] and page["next"].removeprefix(base)
        assert began is not None
        with copy:
            since = (began - timedelta(minutes=1)).astimezone(UTC).isoformat()
            copy.execute("INSERT OR REPLACE INTO place VALUES ('since', ?)", (since,))
        time.sleep(0.3)


def is_genuine(secrets: list[str], headers: Any, body: bytes) -> bool:
    """Standard Webhooks, by one of the secrets that are known."""
    if abs(time.time() - int(headers["webhook-timestamp"])) > 300:
        return False
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    right = [
        "v1,"
        + base64.b64encode(hmac.digest(base64.b64decode(one.removeprefix("whsec_")), signed, hashlib.sha256)).decode()
        for one in secrets
    ]
    return any(hmac.compare_digest(one, given) for one in right for given in headers["webhook-signature"].split(" "))


def serve(copy: sqlite3.Connection, base: str, key: str, port: int) -> None:
    """Webhooks: each ``webhook-id`` counts once, and is answered when what it says is kept."""

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            secrets = [one for (one,) in copy.execute("SELECT value FROM secret")]
            genuine = is_genuine(secrets, self.headers, body)
            if genuine:
                self.take(json.loads(body))
            self.send_response(204 if genuine else 401)
            self.end_headers()

        def take(self, event: dict[str, Any]) -> None:
            said = "INSERT INTO heard VALUES (?, 1) ON CONFLICT DO UPDATE SET times = times + 1 RETURNING times"
            with copy:
                ((times,),) = copy.execute(said, (self.headers["webhook-id"],)).fetchall()
                if times == 1:
                    read_again(copy, base, key, event["object"])

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", port), Hook) as server:
        server.serve_forever()


if __name__ == "__main__":
    how, file, where, with_key, *more = sys.argv[1:]
    with opened(file) as mine:
        match how:
            case "feed":
                follow(mine, where, with_key)
            case "copy":
                poll(mine, where, with_key)
            case _:
                serve(mine, where, with_key, int(more[0]))
