from __future__ import annotations

from pathlib import Path

import polib
import pytest

from dev import translations

PAGE = """{% load i18n %}
  <p title="{% translate "Don't" %}">
    {% blocktranslate count n=n %}{{ n }} refund{% plural %}{{ n }} refunds{% endblocktranslate %}
    {% translate "May" context "month" %}</p>
{{ _("Amount") }}
"""
MODULE = '_("Store")\npgettext("verb", "Order")\n'


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small product: one page, one module, no catalogue yet."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text(PAGE)
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "module.py").write_text(MODULE)
    path = tmp_path / "locale" / "django.po"
    monkeypatch.setattr(translations, "_ROOT", tmp_path)
    monkeypatch.setattr(translations, "_CATALOGUE", path)
    return path


def translate_all(path: Path) -> polib.POFile:
    """Fill every entry, with its own placeholders kept."""
    found = polib.pofile(str(path))
    for entry in found:
        if entry.msgid_plural:
            entry.msgstr_plural = {0: entry.msgid_plural}
        else:
            entry.msgstr = f"中 {entry.msgid}"
    return found


def save(found: polib.POFile, path: Path) -> None:
    found.save(str(path))
    polib.pofile(str(path)).save_as_mofile(str(path.with_suffix(".mo")))


def test_used_texts_are_found_in_pages_and_modules(catalogue: Path) -> None:
    found = {(text.msgid, text.plural, text.context) for text in translations.used_texts()}
    assert found == {
        ("Don't", None, None),
        ("%(n)s refund", "%(n)s refunds", None),
        ("May", None, "month"),
        ("Amount", None, None),
        ("Store", None, None),
        ("Order", None, "verb"),
    }


def test_update_then_translate_leaves_no_problem(catalogue: Path) -> None:
    assert translations.update() == (6, 0)
    assert len([line for line in translations.problems() if "not translated" in line]) == 6
    save(translate_all(catalogue), catalogue)
    assert translations.problems() == []
    assert translations.update() == (0, 0)
    assert translations.problems() == []


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda entry: entry.flags.append("fuzzy"), "fuzzy"),
        (lambda entry: setattr(entry, "msgstr", ""), "not translated"),
        (lambda entry: setattr(entry, "msgstr", "%(other)s"), "other placeholders"),
        (lambda entry: setattr(entry, "msgid", "Gone"), "no longer used"),
    ],
    ids=["fuzzy", "empty", "placeholder", "unused"],
)
def test_problems_name_what_is_wrong_with_an_entry(catalogue: Path, spoil: object, problem: str) -> None:
    translations.update()
    found = translate_all(catalogue)
    assert callable(spoil)
    spoil(next(entry for entry in found if entry.msgid == "Store"))
    save(found, catalogue)
    assert any(problem in line for line in translations.problems())


def test_problems_name_a_compiled_file_that_is_out_of_date(catalogue: Path) -> None:
    translations.update()
    save(translate_all(catalogue), catalogue)
    catalogue.with_suffix(".mo").write_bytes(b"")
    assert translations.problems() == ["django.mo is not compiled from django.po: run make messages"]
