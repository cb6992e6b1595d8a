"""Templates keep to the width that Python keeps to: a row of a table or a branch of a message on a line of its own."""

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


def test_width_when_a_line_has_121_characters_names_it(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(f"{'a' * 120}\n{'退' * 121}\n")
    (tmp_path / "sms.txt").write_text("a" * 300)
    assert too_long(within=tmp_path) == ["page.html:2 has 121 characters", "sms.txt:1 has 300 characters"]
