"""The page of mails and short messages. Bodies are shown as text; only http addresses become links."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from html.parser import HTMLParser

from aiohttp import web

from simulators.mailbox.messages import Message

_URL = re.compile(r"https?://[^\s<>\"'）】]+")
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_STYLE = """
:root { color-scheme: light dark; --ink: light-dark(#1b1f24, #e8eaed); --soft: light-dark(#5b6470, #a2abb6);
  --line: light-dark(#d9dee4, #343b44); --paper: light-dark(#fff, #14181d); --tint: light-dark(#f4f6f8, #1c2229);
  --accent: light-dark(#0b6b4f, #5fd0a8); }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 46rem; padding: 1.5rem 1rem 4rem; background: var(--paper); color: var(--ink);
  font: 15px/1.6 system-ui, "PingFang SC", "Microsoft YaHei", sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .75rem; align-items: baseline; justify-content: space-between; }
h1 { font-size: 1.3rem; margin: 0; } .soft { color: var(--soft); }
article { border: 1px solid var(--line); border-radius: .6rem; margin: 1rem 0; overflow: hidden; }
article > h2 { font-size: 1rem; margin: 0; padding: .6rem .9rem 0; }
.meta { padding: .5rem .9rem; color: var(--soft); font-size: .85rem; overflow-wrap: anywhere; }
pre { margin: 0; padding: .75rem .9rem; background: var(--tint); white-space: pre-wrap; overflow-wrap: anywhere;
  font: inherit; }
.tag { border: 1px solid var(--line); border-radius: .3rem; padding: 0 .35rem; font-size: .75rem; }
a { color: var(--accent); } input, button { font: inherit; color: inherit; background: var(--tint);
  border: 1px solid var(--line); border-radius: .4rem; padding: .2rem .6rem; }
"""


def mailbox_page(messages: Sequence[Message], *, to: str) -> web.Response:
    """Newest first, with a filter by recipient."""
    nothing = "<p class='soft'>还没有邮件或短信。<br>No mail or short message yet.</p>"
    text = f"""<!doctype html>
<html lang="zh-Hans"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>本地信箱 · Local mailbox</title><style>{_STYLE}</style></head><body>
<header><h1>本地信箱 <span class="soft">· Local mailbox</span></h1>
<form method="get" action="/" role="search"><label>收件人 <span class="soft">to</span>
<input name="to" value="{html.escape(to)}" autocomplete="off"></label> <button>筛选 filter</button></form></header>
<p class="soft">演示中发出的邮件与短信都停在这里，不会寄出本机。正文一律按纯文本显示。<br>
Mails and short messages of the demo end here and never leave this machine. Bodies are shown as plain text.</p>
<main>{"".join(map(_article, messages)) or nothing}</main></body></html>"""
    return web.Response(text=text, content_type="text/html", charset="utf-8", headers=_HEADERS)


def _article(message: Message) -> str:
    kind = "短信 SMS" if message.kind == "sms" else "邮件 mail"
    subject = f"<h2>{html.escape(message.subject)}</h2>" if message.subject else ""
    body = message.text or as_text(message.html)
    return (
        f"<article id='m{message.number}'>{subject}<div class='meta'><span class='tag'>{kind}</span> "
        f"{html.escape(', '.join(message.to))} · {html.escape(message.received_at)}"
        f"{' · ' + html.escape(message.sender) if message.sender else ''}</div><pre>{_linked(body)}</pre></article>"
    )


def _linked(text: str) -> str:
    """Escaped text in which http addresses can be followed."""
    pieces, last = [], 0
    for found in _URL.finditer(text):
        address = html.escape(found.group())
        pieces += [
            html.escape(text[last : found.start()]),
            f"<a href='{address}' rel='noreferrer noopener' target='_blank'>{address}</a>",
        ]
        last = found.end()
    return "".join([*pieces, html.escape(text[last:])])


def as_text(markup: str) -> str:
    """What a reader of an HTML mail would see, as text; addresses of links are kept in brackets."""
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    return re.sub(r"\n{3,}", "\n\n", "".join(reader.pieces)).strip()


class _Reader(HTMLParser):
    _BREAKS = frozenset({"p", "div", "br", "tr", "li", "h1", "h2", "h3", "table"})
    _SILENT = frozenset({"style", "script", "head", "title"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._silent = 0
        self._link = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._SILENT:
            self._silent += 1
        if tag == "a":
            self._link = dict(attrs).get("href") or ""
        if tag in self._BREAKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._SILENT and self._silent:
            self._silent -= 1
        if tag == "a" and self._link.startswith("http"):
            self.pieces.append(f" [{self._link}]")
            self._link = ""

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(re.sub(r"\s+", " ", data))
