"""Fields that take nothing for something else: no text for a number, no boolean for one, no unknown names."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import EmailValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.fields import empty, get_error_detail

from core.codes import words
from core.money import MAX_FEN, is_barcode
from core.numbers import as_kept, refund_number
from core.phones import NotAPhone, phone_number
from core.plain_text import listed, person_name, without_direction, without_marks
from core.quantities import MAX_QUANTITY, quantity

#: An offset without its colon is what many languages write of themselves.
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
#: As a JSON schema says it what ``Text`` refuses.
ONE_LINE = "^[^\\u0000-\\u001F\\u007F]*$"
_ADDRESS = "[^\\u0000-\\u001F\\u007F]+@[^\\u0000-\\u001F\\u007F]+"
MULTILINE = "^([^\\u0000-\\u0008\\u000B-\\u001F\\u007F]|\\r\\n)*$"
#: A refusal names what may be chosen where it is so few.
_MOST_LISTED = 20
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def refused(code: str, *fields: str) -> serializers.ValidationError:
    """What is wrong with a field, in the catalogue's words; without a name it is the one that is being read."""
    return serializers.ValidationError(dict.fromkeys(fields, words(code)) if fields else words(code), code=code)


class StrictSerializer(serializers.Serializer[Any]):
    # Unknown fields are errors, not noise. No docstring: the library would publish it for each body.

    def get_fields(self) -> dict[str, Any]:
        """With what may be chosen in the refusal of what may not: who has guessed wrong need not look it up."""
        fields = super().get_fields()
        for field in fields.values():
            one = getattr(field, "child", field)
            if isinstance(one, serializers.ChoiceField) and len(one.choices) <= _MOST_LISTED:
                names = listed(name for name in one.choices if name != "")
                one.error_messages["invalid_choice"] = _("It is none of: %(names)s.") % {"names": names}
        return fields

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := data.keys() - self.fields.fields.keys()):
            raise refused("unknown_field", *(without_direction(str(name)) for name in unknown))
        if type(data) is not dict:
            return super().to_internal_value(data)
        # As the library does it, but that what is left out need not be judged: of a body with twenty fields, most are.
        usual, made = self._left_out
        found = {name: value for name, value in usual.items() if name not in data}
        found |= {name: make() for name, make in made.items() if name not in data}
        errors: dict[str, Any] = {}
        for name, field in self.fields.fields.items():
            if name in data or field.required:
                try:
                    value = field.run_validation(data.get(name, empty))
                    found[name] = self._checks[name](value) if name in self._checks else value
                except serializers.ValidationError as error:
                    errors[name] = error.detail
                except DjangoValidationError as error:
                    errors[name] = get_error_detail(error)
        if errors:
            raise serializers.ValidationError(errors)
        return found

    @cached_property
    def _left_out(self) -> tuple[dict[str, Any], dict[str, Callable[[], Any]]]:
        """The value of each field that has one where nothing is sent, or what makes it."""
        given = {
            name: field.default
            for name, field in self.fields.fields.items()
            if not field.required and field.default is not empty
        }
        made = {name: default for name, default in given.items() if callable(default)}
        return {name: default for name, default in given.items() if name not in made}, made

    @cached_property
    def _checks(self) -> dict[str, Callable[[Any], Any]]:
        """The ``validate_<field>`` of those that have one."""
        return {name: check for name in self.fields.fields if (check := getattr(self, f"validate_{name}", None))}

    def run_validators(self, value: Any) -> None:
        if self.validators:
            super().run_validators(value)


class WholeNumber(serializers.IntegerField):
    """A JSON integer: no text, no boolean, no fraction."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


class Quantity(serializers.FloatField):
    """Pieces or kilograms: a JSON number above zero with up to three decimals; ``1.0`` is 1. No text, no boolean. ``or_none``:
    there may be none.
    """

    def __init__(self, *, or_none: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._or_none = or_none
        self.declares = {"minimum": 0} if or_none else {"exclusiveMinimum": 0}
        self.declares["maximum"] = int(MAX_QUANTITY)

    def to_internal_value(self, data: Any) -> Decimal:  # type: ignore[override]  # exact
        if not isinstance(data, int | float) or isinstance(data, bool):
            raise refused("invalid_quantity")
        if self._or_none and not data:
            return Decimal(0)
        try:
            return quantity(data)
        except ValueError:
            raise refused("invalid_quantity") from None


class Fen(WholeNumber):
    """An amount above zero, in fen."""

    default_error_messages = {"invalid": gettext_lazy("an amount is a whole number of fen: 26800 for 268.00 yuan")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 1, "max_value": MAX_FEN, **kwargs})

    def to_internal_value(self, data: Any) -> int:
        fen = super().to_internal_value(data)
        if fen > MAX_FEN and is_barcode(str(fen)):
            raise refused("amount_barcode")
        return fen


class Text(serializers.CharField):
    """A JSON string without control characters; never a number turned into one. ``multiline`` may have line breaks and tabs."""

    def __init__(self, *, multiline: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._refused = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]" if multiline else r"[\x00-\x1f\x7f]")
        #: What the description says of it beside what the library reads off it.
        self.declares: dict[str, Any] = {"pattern": MULTILINE if multiline else ONE_LINE}

    def run_validation(self, data: Any = empty) -> Any:
        """What is blank without its direction marks is blank."""
        return super().run_validation(without_direction(data) if isinstance(data, str) else data)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text = data.replace("\r\n", "\n").strip()
        if self._refused.search(text):
            raise refused("control_character")
        return str(super().to_internal_value(text))


_LIKE = "RFC 3339 (2026-11-20T18:42:15+08:00)"


class Instant(serializers.DateTimeField):
    """RFC 3339 with an offset, as UTC: a local time without one could be any of 24 instants."""

    declares = {
        "pattern": "^(20[0-9]{2}|2100)-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?([Zz]|[+-][0-9]{2}:?[0-9]{2})$"
    }

    def to_internal_value(self, value: Any) -> datetime:
        text = value.upper() if isinstance(value, str) else ""
        found = _RFC_3339.fullmatch(text)
        if found is None:
            self.fail("invalid", format=_LIKE)
        if found[2] is None:
            raise refused("offset_missing")
        try:
            parsed = datetime.fromisoformat(text)
        except ValueError:
            self.fail("invalid", format=_LIKE)
        if not 2000 <= parsed.year <= 2100:
            raise refused("out_of_range")
        # PostgreSQL knows no offset beyond 15:59, RFC 3339 does.
        return parsed.astimezone(UTC)


class QueryInstant(Instant):
    """An instant in an address, where a plus that was not written ``%2B`` arrives as a blank; nothing else could be meant."""

    def to_internal_value(self, value: Any) -> datetime:
        return super().to_internal_value(re.sub(r" (?=\d\d:?\d\d$)", "+", value) if isinstance(value, str) else value)


class QueryFen(serializers.IntegerField):
    """An amount in an address: ASCII digits and nothing else."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 1, "max_value": MAX_FEN, **kwargs})

    def to_internal_value(self, data: Any) -> int:
        if not (isinstance(data, str) and re.fullmatch(r"-?[0-9]{1,30}", data)):
            self.fail("invalid")
        return super().to_internal_value(data)


class Flag(serializers.BooleanField):
    """``true`` or ``false``; no text and no number that resembles one."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Id(serializers.UUIDField):
    """A UUID in its usual 36 characters; no number, no braces."""

    def to_internal_value(self, data: Any) -> UUID:
        if not (isinstance(data, str) and _UUID.fullmatch(data)):
            self.fail("invalid", value=data)
        return UUID(data)


class FourDigits(Text):
    """The end of a card's or phone's number."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.declares = {"pattern": "^([0-9]{4})?$" if self.allow_blank else "^[0-9]{4}$"}

    def to_internal_value(self, data: Any) -> str:
        text = without_marks(super().to_internal_value(data))
        if text and not re.fullmatch(r"[0-9]{4}", text):
            raise serializers.ValidationError(_("the last four digits"), code="invalid")
        return text


class Email(Text):
    """An address that a message can be sent to."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators.append(EmailValidator())
        if self.allow_blank:  # which is no address
            self.declares = {"format": None, "pattern": f"^({_ADDRESS})?$"}


class Phone(Text):
    """A phone number, however it was typed, in its normal form."""

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        try:
            return phone_number(text) if text else ""
        except NotAPhone:
            raise refused("invalid_phone") from None


class _WithoutMarks(Text):
    """Text without marks that nobody sees."""

    def run_validation(self, data: Any = empty) -> Any:
        """What is blank without its marks is blank."""
        return super().run_validation(without_marks(data) if isinstance(data, str) else data)


class Number(_WithoutMarks):
    """A number or code of an order, a channel or an article, in ASCII's digits and hyphens."""

    def to_internal_value(self, data: Any) -> str:
        return as_kept(super().to_internal_value(data))


class Name(_WithoutMarks):
    """A person's or bank's name."""

    def to_internal_value(self, data: Any) -> str:
        return person_name(super().to_internal_value(data))


class Fields(Text):
    """Names of a shape's fields with commas between, as a set; ``shape`` is an ``api.shapes.Shape``."""

    def __init__(self, shape: type[serializers.Serializer[Any]], **kwargs: Any) -> None:
        super().__init__(**{"required": False, "max_length": 1000, **kwargs})
        self._names = frozenset(shape._declared_fields)
        example = ",".join([*shape._declared_fields][:3])
        self.declares = {"pattern": "^[a-z0-9_]+( *, *[a-z0-9_]+)*$", "examples": [example]}

    def to_internal_value(self, data: Any) -> frozenset[str]:  # type: ignore[override]  # several names
        found = frozenset(name.strip() for name in super().to_internal_value(data).split(","))
        if unknown := found - self._names:
            text = f"{words('unknown_field')} {', '.join(sorted(unknown))[:200]}"
            raise serializers.ValidationError(text, code="unknown_field")
        return found


class ChangedQuery(StrictSerializer):
    updated_after = QueryInstant(required=False)


def with_fields(shape: type[serializers.Serializer[Any]], query: type[StrictSerializer] = StrictSerializer) -> Any:
    """What a list takes, and which fields its rows shall have."""
    return type(f"{shape.__name__}Query", (query,), {"fields": Fields(shape)})


class RefundNumber(Number):
    """A refund's number, however it was read out or copied."""

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        return refund_number(text) or text
