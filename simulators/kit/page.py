"""The simulator's page for people: magic amounts, faults, and on the control port the means to order them."""

from __future__ import annotations

import html
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from simulators.kit.faults import FaultKind
    from simulators.kit.simulator import Simulator

_TEMPLATE = Template((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def page(simulator: Simulator, *, controls: bool) -> web.Response:
    """The index page. The gateway's copy explains; the control port's copy can also act."""
    totals = simulator.book.totals()
    available = simulator.available_fen
    text = _TEMPLATE.substitute(
        title=html.escape(simulator.title),
        mode="live" if controls else "plain",
        base_url=html.escape(simulator.base_url),
        control_url=html.escape(simulator.control_url),
        payments=totals["payments"],
        refunds=totals["refunds"],
        processing=totals["processing"],
        moved=totals["moved"],
        moved_yuan=f"{totals['moved_fen'] / 100:,.2f}",
        balance="∞" if available is None else f"{available / 100:,.2f}",
        clock=f"{simulator.clock.now():%Y-%m-%d %H:%M:%S}",
        magic="开 on" if simulator.magic else "关 off",
        magic_rows="".join(
            f"<tr><td><code>.{digits:02d}</code></td><td>{_both(kind)}</td></tr>"
            for digits, kind in simulator.magic_meaning.items()
        ),
        fault_rows="".join(
            f"<tr><td><code>{name}</code><small class='soft'>{operation}</small></td><td>{_both(kind)}</td><td class='act'>"
            f"<button data-operation='{operation}' data-fault='{name}' aria-label='{operation} {name} +1'>+1</button></td>"
            "</tr>"
            for operation, kinds in simulator.catalogue.items()
            for name, kind in kinds.items()
        ),
    )
    return web.Response(text=text, content_type="text/html", charset="utf-8", headers=_HEADERS)


def _both(kind: FaultKind) -> str:
    return f"{html.escape(kind.zh)}<small class='soft' lang='en'>{html.escape(kind.en)}</small>"
