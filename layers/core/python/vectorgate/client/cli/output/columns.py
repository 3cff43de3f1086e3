"""The columns of a table: a field of the gateway's JSON, and how it is written for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

Cell: TypeAlias = str | int | Decimal | None

_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")
_STEP: Final = 1024
_NANO: Final = -9
_FORMULA: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # noqa: RUF001 - spreadsheets take the wide forms, too
_CONTROLS: Final = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}


class Row(Protocol):
    """A JSON object: a dict, or a resource of the SDK."""

    def get(self, name: str, /) -> Any:  # noqa: ANN401 - JSON
        """The field, or None."""
        ...

    def keys(self) -> Iterable[str]:
        """The names of its fields."""
        ...

    def __getitem__(self, name: str, /) -> Any: ...  # noqa: ANN401 - JSON

    def __contains__(self, name: object, /) -> bool: ...


class Kind(Enum):
    """What a field holds."""

    TEXT = auto()
    ID = auto()  # text that is always shown whole
    LONG = auto()  # text that a table on a terminal may cut, such as a token
    NUMBER = auto()
    USD = auto()  # dollars; the exact amount is the field with `_nano_usd` behind its name
    SIZE = auto()  # bytes
    TIME = auto()  # Unix seconds or ISO 8601
    FLAG = auto()


@dataclass(frozen=True, slots=True)
class Column:
    """A heading, the field below it (a dot leads into an object), and what the field holds."""

    title: str
    field: str
    kind: Kind = Kind.TEXT

    @property
    def is_number(self) -> bool:
        """Whether its cells stand at the right."""
        return self.kind in {Kind.NUMBER, Kind.USD, Kind.SIZE}

    def value(self, row: Row) -> Cell:
        """The field for a program: exact, and a time in ISO 8601. None where the row lacks it."""
        found = _field(row, self.field)
        if found is None or found in ([], {}):
            return None
        match self.kind:
            case Kind.USD:
                exact = _field(row, f"{self.field}_nano_usd")
                return Decimal(exact).scaleb(_NANO) if isinstance(exact, int) else Decimal(str(found))
            case Kind.NUMBER | Kind.SIZE if isinstance(found, int | float) and not isinstance(found, bool):
                return found if isinstance(found, int) else Decimal(str(found))
            case Kind.TIME:
                return _iso(found)
        return _text(found)

    def text(self, row: Row) -> str:
        """The field for people, without characters that would move a terminal's cursor."""
        value = self.value(row)
        if value is None:
            return "-"
        if isinstance(value, str):
            return printable(value.replace("T", " ")[:19] if self.kind is Kind.TIME else value)
        return {Kind.USD: dollars, Kind.SIZE: sized}.get(self.kind, str)(value)


def _field(row: Row, name: str) -> Any:  # noqa: ANN401 - JSON
    found: Any = row
    for part in name.split(".") if name not in row else (name,):
        found = found.get(part) if isinstance(found, dict) or found is row else None
    return found


def _iso(found: object) -> str:
    if isinstance(found, int | float):
        return datetime.fromtimestamp(found, UTC).isoformat()
    return str(found)


def _text(found: object) -> str:
    if isinstance(found, bool):
        return "yes" if found else "no"
    if isinstance(found, list):
        return ", ".join(map(str, found))
    if isinstance(found, dict):
        return ", ".join(f"{name}={value}" for name, value in found.items())
    return str(found)


def printable(text: str) -> str:
    """The text with control characters as their escapes: an alias could otherwise rewrite the screen."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def dollars(amount: Decimal | int) -> str:
    """Exact dollars: `$12.50`, `$0.000004`."""
    whole, _, fraction = f"{abs(amount):,.9f}".partition(".")
    return f"{'-' if amount < 0 else ''}${whole}.{fraction.rstrip('0').ljust(2, '0')}"


def sized(size: Decimal | int) -> str:
    """A number of bytes: `3.4 MiB`."""
    number = float(size)
    for unit in _UNITS:
        if number < _STEP or unit == _UNITS[-1]:
            break
        number /= _STEP
    return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"


def csv_cell(value: Cell) -> str | int | Decimal:
    """The value in a CSV file, which may be shown on a terminal or opened as a spreadsheet.

    Control characters are escaped. A text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    if not isinstance(value, str):
        return "" if value is None else f"{value:f}" if isinstance(value, Decimal) else value
    text = value.translate(_CONTROLS)
    return "'" + text if text.lstrip().startswith(_FORMULA) else text
