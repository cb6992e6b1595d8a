"""Templates keep to the width that Python keeps to: a row of a table or a branch of a message on a line of its own."""

import re
from pathlib import Path

from django.conf import settings

_WIDTH = 120


def too_long(*, within: Path) -> list[str]:
    """Lines of templates and messages that are wider than the house allows."""
    return [
        f"{path.relative_to(within)}:{number} has {len(line)} characters"
        for path in sorted(within.rglob("*"))
        if path.is_file()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > _WIDTH
    ]


def test_no_line_of_a_template_is_wider_than_120() -> None:
    assert not too_long(within=settings.BASE_DIR / "templates")


def chosen_ahead(text: str) -> list[str]:
    """Names of the choices that must be made and begin with one made: whoever overlooks it has said what they never said."""
    found = re.findall(r"<select([^>]*)>(.*?)</select>", text, re.DOTALL)
    names = [(re.search(r'name="([^"]*)"', tag), tag, options) for tag, options in found]
    return [
        name[1] for name, tag, options in names if name and "required" in tag and '<option value="">' not in options
    ]


def test_no_choice_that_must_be_made_is_made_ahead() -> None:
    templates = settings.BASE_DIR / "templates"
    assert not [(path.name, name) for path in templates.rglob("*.html") for name in chosen_ahead(path.read_text())]


_QR = re.compile(r"[{]% qr ")
_QR_IN_ITS_BOX = re.compile(r"""<div class="(?:qr-box|v-qr)" role="img" aria-label="[^"]+">\s*[{]% qr """)


def test_every_qr_code_has_a_name_and_the_white_ground_that_cameras_need() -> None:
    texts = [path.read_text() for path in (settings.BASE_DIR / "templates").rglob("*.html")]
    codes = sum(len(_QR.findall(text)) for text in texts)
    assert codes
    assert sum(len(_QR_IN_ITS_BOX.findall(text)) for text in texts) == codes
    assert ".qr { background: #fff; }" in (settings.BASE_DIR / "static/app.css").read_text()


def test_choice_when_its_first_option_stands_for_something_is_named() -> None:
    options = '<option value="a">A</option></select>'
    assert chosen_ahead(f'<select\nname="kind" required>{options}') == ["kind"]
    assert chosen_ahead(f'<select name="kind" required><option value="">-</option>{options}') == []
    assert chosen_ahead(f'<select name="kind">{options}') == []


def test_width_when_a_line_has_121_characters_names_it(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(f"{'a' * 120}\n{'退' * 121}\n")
    (tmp_path / "sms.txt").write_text("a" * 300)
    assert too_long(within=tmp_path) == ["page.html:2 has 121 characters", "sms.txt:1 has 300 characters"]
