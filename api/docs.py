"""The API for people to read: one Markdown made of the guide and the description, given as it is and as a page."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, wraps
from itertools import pairwise
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.safestring import SafeString
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _
from drf_spectacular.generators import SchemaGenerator
from markdown_it import MarkdownIt
from markdown_it.token import Token

from api.fields import MULTILINE, ONE_LINE
from api.problems import only_looked_at
from core.codes import PROBLEMS

#: What the library calls the empty text and null, where a choice may be one of them.
_NOTHING = ("BlankEnum", "NullEnum")
#: Limits of a field, in the words of JSON Schema.
_LIMITS = ("format", "minimum", "exclusiveMinimum", "maximum", "minLength", "maxLength", "maxItems", "pattern")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    level: int
    anchor: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DocsPage:
    #: Made of Markdown in which no HTML is taken: everything is escaped.
    html: SafeString
    contents: list[Heading]
    languages: list[tuple[str, str]]


def _in_its_language(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """In the language of ``?lang=``, for who follows a link and sends no header of their own; else in the reader's."""

    @wraps(view)
    def read(request: HttpRequest) -> HttpResponse:
        asked = request.GET.get("lang", "").lower()
        with translation.override(asked if asked in dict(settings.LANGUAGES) else get_language()):
            return view(request)

    return read


@only_looked_at
@_in_its_language
def docs(request: HttpRequest) -> HttpResponse:
    """For everybody, and without scripts."""
    language = get_language() or ""
    html, contents = _as_page(language)
    others = [(code, name) for code, name in settings.LANGUAGES if code != language]
    return render(
        request, "api/docs.html", {"page": DocsPage(html=SafeString(html), contents=contents, languages=others)}
    )


@only_looked_at
@_in_its_language
def docs_as_markdown(request: HttpRequest) -> HttpResponse:
    return HttpResponse(as_markdown(language=get_language() or ""), content_type="text/markdown; charset=utf-8")


@only_looked_at
@_in_its_language
def for_programs_that_read(request: HttpRequest) -> HttpResponse:
    """https://llmstxt.org: where a program that reads finds what there is."""
    base, guide = settings.BASE_URL, _("Guide and reference")
    lines = [
        "# RefundDesk",
        "> " + _("The back office in which POS merchants handle refunds. Its REST API:"),
        *(f"- [{guide}: {name}]({base}/api/docs.md?lang={code})" for code, name in settings.LANGUAGES),
        f"- [OpenAPI 3.1]({base}/api/schema?format=json)",
        "- [" + _("Problems of the API") + f"]({base}/api/problems)",
    ]
    return HttpResponse("\n\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@lru_cache(maxsize=4)
def as_markdown(*, language: str) -> str:
    """The guide, every call and every shape, in the language that is active: ``language`` names it."""
    document: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]  # no types
    return "\n".join(_lines(document)) + "\n"


def _lines(document: dict[str, Any]) -> Iterator[str]:
    shapes = document["components"]["schemas"]
    yield f"# {document['info']['title']}\n"
    yield document["info"]["description"]
    yield from ("", "## " + _("What every answer carries"), "")
    yield from _table([_("Header"), _("Meaning"), _("Example")], _headers(document["components"]["headers"]))
    shown: set[str] = set()
    for tag in document["tags"]:
        yield f"\n## {tag['name']}\n\n{tag['description']}"
        for path, item in document["paths"].items():
            for method, operation in item.items():
                if operation["tags"] == [tag["name"]]:
                    yield from _operation(path, method, operation, shown)
    yield from ("", "## " + _("Shapes"), "", _("What has a question mark may be left out."))
    for name, shape in shapes.items():
        if name in _NOTHING:
            continue
        yield f"\n### {name}\n"
        if "description" in shape:
            yield f"{shape['description']}\n"
        if "properties" in shape:
            required = shape.get("required", ())
            rows = [
                (
                    f"`{field}`" + ("" if field in required else " ?"),
                    _kind(schema),
                    schema["description"],
                    _examples(schema),
                )
                for field, schema in shape["properties"].items()
            ]
            yield from _table([_("Field"), _("Type"), _("Meaning"), _("Example")], rows)
    yield from ("", "## " + _("Problems of the API"), "")
    codes = [
        (f"`{code.name}`", ", ".join(map(str, code.statuses)), f"{code.title}. {code.remedy or ''}")
        for code in PROBLEMS
    ]
    yield from _table([_("Code"), pgettext("of an answer", "Status"), _("What it means, and what to do")], codes)


def _headers(headers: dict[str, Any]) -> list[tuple[str, ...]]:
    return [(f"`{name}`", header["description"], f"`{header['example']}`") for name, header in headers.items()]


def _operation(path: str, method: str, operation: dict[str, Any], shown: set[str]) -> Iterator[str]:
    """One call: what it does, what it takes, what it gives. A body that another call has shown is only named."""
    yield f"\n### {method.upper()} {path}\n\n`{operation['operationId']}`. {operation['description']}\n"
    if parameters := operation.get("parameters"):
        rows = [
            (
                f"`{one['name']}`" + ("" if one.get("required") else " ?"),
                f"{one['in']}, {_kind(one['schema'])}",
                one["description"],
                f"`{_in_address(one['example'])}`",
            )
            for one in parameters
        ]
        yield from _table([_("Parameter"), _("Type"), _("Meaning"), _("Example")], rows)
    for media, form in operation.get("requestBody", {}).get("content", {}).items():
        yield from ("", " ".join(filter(None, [_("Takes"), _link(form["schema"]), f"(`{media}`):"])), "")
        for example in (
            [form["example"]] if "example" in form else [one["value"] for one in form.get("examples", {}).values()]
        ):
            yield _json(example)
    good = {status: answer for status, answer in operation["responses"].items() if status < "4"}
    for form in [form for form in good.values() if "content" in form][:1]:
        schema = form["content"]["application/json"]["schema"]
        yield from ("", _("Gives") + f" {', '.join(good)} {_link(schema)}", "")
        if _link(schema) not in shown:
            shown.add(_link(schema))
            yield _json(form["content"]["application/json"]["example"])
    refused = [
        f"{status} `{form['content'][media]['example']['code']}`"
        for status, form in operation["responses"].items()
        if status >= "4"
        for media in form["content"]
    ]
    yield from ("", _("Refuses, for example") + f": {', '.join(refused)}.")


def _in_address(example: Any) -> Any:
    """What may repeat stands there once."""
    return example[0] if isinstance(example, list) else example


def _table(titles: list[str], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(titles)} |"
    yield f"|{'---|' * len(titles)}"
    for row in rows:
        yield f"| {' | '.join(_cell(cell) for cell in row)} |"


def _cell(text: str) -> str:
    """On one line, as a table has it."""
    return " ".join(re.sub(r"\n+\* ", "; ", text).split()).replace("\\|", "|").replace("|", "\\|")


def _json(value: Any) -> str:
    if isinstance(value, str):  # a table: no body of JSON is a text
        return f"```csv\n{value}```"
    return f"```json\n{json.dumps(value, ensure_ascii=False, indent=1)}\n```"


def _link(schema: dict[str, Any]) -> str:
    if "$ref" not in schema:
        return ""
    name = schema["$ref"].rsplit("/", 1)[1]
    return f"[{name}](#{_anchor(name)})"


def _kind(schema: dict[str, Any]) -> str:
    """Type and limits, as the description has them; a shape as a link."""
    if schema.get("$ref", "").endswith(_NOTHING):
        return ""
    if "$ref" in schema:
        return _link(schema)
    for several in ("oneOf", "allOf", "anyOf"):
        if several in schema:
            kinds = [_kind(one) for one in schema[several]]
            return _either(dict.fromkeys(kind for kind in kinds if kind))
    if schema.get("type") == "array":
        return f"[{_kind(schema['items'])}]"
    kinds = schema.get("type", "JSON")
    limits = [
        f"{name} `{schema[name]}`" for name in _LIMITS if name in schema and schema[name] not in (ONE_LINE, MULTILINE)
    ]
    return ", ".join([kinds if isinstance(kinds, str) else _either(kinds), *limits])


def _either(kinds: Iterable[str]) -> str:
    """One kind or another."""
    return (" " + _("or") + " ").join(kinds)


def _examples(schema: dict[str, Any]) -> str:
    return ", ".join(f"`{json.dumps(one, ensure_ascii=False)}`" for one in schema.get("examples", ()))


# --- the page -----------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4)
def _as_page(language: str) -> tuple[str, list[Heading]]:
    """The Markdown as HTML, every heading with its anchor, and a table of contents. Calls and shapes are folded."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("table_open", lambda *_: '<div class="tablewrap" tabindex="0"><table>\n')
    parser.add_render_rule("table_close", lambda *_: "</table></div>\n")
    tokens = parser.parse(as_markdown(language=language))
    contents: list[Heading] = []
    folded: list[Token] = []
    is_open, below = False, ""
    for token, inline in pairwise([*tokens, Token("", "", 0)]):
        if token.type == "heading_open" and token.tag in ("h1", "h2", "h3"):
            heading = Heading(level=int(token.tag[1]), anchor=_anchor(inline.content), text=_plain(inline))
            contents.append(heading)
            below = heading.text if heading.level < 3 else below
            folded += [_html("</div></details>\n")] if is_open else []
            is_open = heading.level == 3 and (below == _("Shapes") or heading.text.split(" ")[0] in _METHODS)
            if is_open:
                folded.append(_html("<details><summary>"))
            else:
                token.attrSet("id", heading.anchor)
        folded.append(token)
        if token.type == "heading_close" and is_open and token.tag == "h3":
            # Inside what is folded: a browser opens it for who follows a link to it, or searches the page.
            folded.append(_html(f'</summary><div id="{contents[-1].anchor}">\n'))
    folded += [_html("</div></details>\n")] if is_open else []
    return parser.renderer.render(folded, parser.options, {}), contents


_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def _html(text: str) -> Token:
    return Token("html_block", "", 0, content=text)


def _plain(inline: Token) -> str:
    return "".join(child.content for child in inline.children or ())


def _anchor(text: str) -> str:
    return re.sub(r"[^\w]+", "-", text.lower()).strip("-")
