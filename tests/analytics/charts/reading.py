"""Reading a chart as a browser would."""

from __future__ import annotations

from xml.etree import ElementTree


def parse(markup: str) -> ElementTree.Element:
    """The markup as a tree; raises when a tag is left open."""
    return ElementTree.fromstring(f"<div>{markup}</div>")  # noqa: S314 - our own markup


def texts(tree: ElementTree.Element, path: str) -> list[str]:
    return ["".join(node.itertext()) for node in tree.iterfind(path)]


def classed(tree: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [node for node in tree.iter() if name in node.get("class", "").split()]
