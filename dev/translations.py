"""The Chinese catalogue, checked and extended without gettext's own programs.

`python -m dev.translations check` fails on a text of ours that has no Chinese, a fuzzy, empty or unused entry,
placeholders that differ, and a compiled file that is not made from the catalogue. `... update` adds what is new, drops
what is gone and compiles. Texts are found as Django does: templates are turned into something like Python first.
"""

import argparse
import io
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polib
from babel.messages.extract import extract
from django.conf import settings
from django.utils.translation.template import templatize

_ROOT = Path(__file__).resolve().parent.parent
_CATALOGUE = _ROOT / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
_PACKAGES = (
    *("analytics", "api", "config", "core", "customer", "desk", "integrations", "invariants", "merchants"),
    *("payment_channels", "reconciliation", "refunds", "samples", "terminals"),
)
_FUNCTIONS = {
    # The positions of text and plural in a call; (1, "c"): of its context. None: the text alone.
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop")),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}
_COMMENT = re.compile(r"{% comment %}.*?{% endcomment %}", re.S)
_PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[sd]|\{\w*\}")


@dataclass(frozen=True, kw_only=True)
class Text:
    """One translatable text; `context` and `plural` where its call has them."""

    msgid: str
    plural: str | None = None
    context: str | None = None


def used_texts() -> dict[Text, set[str]]:
    """Every translatable text in the product's Python files and templates, with the files that use it."""
    uses: dict[Text, set[str]] = {}
    for path, source in _sources():
        for text in _extract(source):
            uses.setdefault(text, set()).add(str(path.relative_to(_ROOT)))
    return uses


def problems() -> list[str]:
    """What is wrong with the catalogue, a line each; empty: nothing."""
    uses = used_texts()
    if not _CATALOGUE.exists():
        return [f"{_CATALOGUE} is missing"] if uses else []
    catalogue = polib.pofile(str(_CATALOGUE))
    entries = {_text_of(entry): entry for entry in catalogue if not entry.obsolete}
    found = [
        f"{min(files)}: not in the catalogue: {text.msgid!r}" for text, files in uses.items() if text not in entries
    ]
    for text, entry in entries.items():
        found += [f"{text.msgid!r}: {fault}" for fault in _faults(entry, used=text in uses)]
    compiled = _CATALOGUE.with_suffix(".mo")
    if not compiled.exists() or compiled.read_bytes() != catalogue.to_binary():
        found.append("django.mo is not compiled from django.po: run make messages")
    return found


def update() -> tuple[int, int]:
    """Bring the catalogue to the sources' texts and compile it; new entries are empty, for a person to fill.

    Returns:
        How many entries were added and dropped.
    """
    uses = used_texts()
    _CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
    old = polib.pofile(str(_CATALOGUE)) if _CATALOGUE.exists() else polib.POFile()
    known = {_text_of(entry): entry for entry in old}
    new = polib.POFile(wrapwidth=110)
    new.metadata = {
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Language": "zh_Hans",
        "MIME-Version": "1.0",
        "Plural-Forms": "nplurals=1; plural=0;",
    }
    # By the first file that uses it, then by text: entries of one page stand together and merges stay small.
    for text, files in sorted(uses.items(), key=lambda item: (min(item[1]), item[0].msgid)):
        entry = known.get(text) or _empty_entry(text)
        entry.obsolete = False
        entry.occurrences = [(name, "") for name in sorted(files)]
        new.append(entry)
    new.save(str(_CATALOGUE))
    # Read again: what is compiled is what the check reads.
    polib.pofile(str(_CATALOGUE)).save_as_mofile(str(_CATALOGUE.with_suffix(".mo")))
    return len(uses.keys() - known.keys()), len(known.keys() - uses.keys())


def _sources() -> Iterator[tuple[Path, str]]:
    for package in _PACKAGES:
        for path in sorted((_ROOT / package).rglob("*.py")):
            yield path, path.read_text()
    for path in sorted((_ROOT / "templates").rglob("*")):
        if path.is_file():
            # On one line: to Python a template's indentation makes no sense. A comment would then swallow all after it.
            source = _COMMENT.sub("", path.read_text())
            yield path, templatize(source, origin=str(path)).replace("\n", " ")


def _extract(source: str) -> Iterator[Text]:
    found = extract("python", io.BytesIO(source.encode()), _FUNCTIONS, options={"encoding": "utf-8"})
    for _line, message, _comments, context in found:
        singular, *plural = (message,) if isinstance(message, str) else message
        yield Text(msgid=singular, plural=plural[0] if plural else None, context=context)


def _faults(entry: polib.POEntry, *, used: bool) -> Iterator[str]:
    translations = list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
    if not used:
        yield "no longer used"
    if entry.fuzzy:
        yield "fuzzy"
    if not translations or not all(translations):
        yield "not translated"
        return
    wanted = set(_PLACEHOLDER.findall(entry.msgid)) | set(_PLACEHOLDER.findall(entry.msgid_plural or ""))
    for translation in translations:
        if set(_PLACEHOLDER.findall(translation)) != wanted:
            yield f"other placeholders in {translation!r}"


def _text_of(entry: polib.POEntry) -> Text:
    return Text(msgid=entry.msgid, plural=entry.msgid_plural or None, context=entry.msgctxt)


def _empty_entry(text: Text) -> polib.POEntry:
    if text.plural:
        # Chinese has one form.
        return polib.POEntry(msgctxt=text.context, msgid=text.msgid, msgid_plural=text.plural, msgstr_plural={0: ""})
    return polib.POEntry(msgctxt=text.context, msgid=text.msgid, msgstr="")


def main() -> int:
    """Do what the command line says.

    Returns:
        The process's exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m dev.translations", description=__doc__)
    parser.add_argument("action", choices=["check", "update"])
    action = parser.parse_args().action
    if not settings.configured:
        # Turning a template into Python asks for nothing else.
        settings.configure(USE_I18N=True)
    if action == "update":
        added, dropped = update()
        sys.stdout.write(f"{added} added, {dropped} dropped: {_CATALOGUE.relative_to(_ROOT)}\n")
    found = problems()
    sys.stdout.writelines(f"{problem}\n" for problem in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
