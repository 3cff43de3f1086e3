"""What the objects of the API have in common: the response's own JSON, by attribute, and facts about the call.

Nothing is dropped from the JSON or added to it. A field that the API documents and the response lacks is None;
any other name is an AttributeError. As LiteLLM's responses are dictionaries, `store["id"]`, `store.get("id")` and
`"id" in store` work as well.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, KeysView, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class CallInfo:
    """Facts about the call of a result. `cost` in dollars; None where it is unknown."""

    provider: str | None = None
    api_base: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    cost: Decimal | None = None
    user: str | None = None

    def hidden_params(self) -> dict[str, object]:
        """The dictionary that LiteLLM's responses have under `_hidden_params`."""
        return {
            "custom_llm_provider": self.provider,
            "api_base": self.api_base,
            "response_cost": None if self.cost is None else float(self.cost),
            "litellm_call_id": self.headers.get("x-litellm-call-id"),
            "user": self.user,
            "additional_headers": dict(self.headers),
        }


def cost_in(headers: Mapping[str, str]) -> Decimal | None:
    """The dollars in `x-litellm-response-cost`, exactly as written; None without a readable one."""
    try:
        return Decimal(headers["x-litellm-response-cost"])
    except (KeyError, InvalidOperation):
        return None


class HasCallInfo:
    """The four attributes that every result has besides its own."""

    _info: CallInfo

    @property
    def response_cost(self) -> Decimal | None:
        """Dollars, exact; None where they are unknown."""
        return self._info.cost

    @property
    def call_id(self) -> str | None:
        """The gateway's id of the call, and of its entry in the ledger."""
        return self._info.headers.get("x-litellm-call-id")

    @property
    def request_id(self) -> str | None:
        """`x-request-id`, which a provider's support asks for."""
        return self._info.headers.get("x-request-id")

    @property
    def response_headers(self) -> Mapping[str, str]:
        """The response's headers, names in lower case."""
        return self._info.headers

    @property
    def _request_id(self) -> str | None:
        return self.request_id

    @property
    def _hidden_params(self) -> dict[str, object]:
        return self._info.hidden_params()


class Resource(HasCallInfo):
    """An object of the API. Read-only."""

    _nested: ClassVar[Mapping[str, type[Resource]]] = {}

    def __init__(self, fields: Mapping[str, object], info: CallInfo | None = None) -> None:
        self.__dict__["_fields"] = fields
        self.__dict__["_info"] = info if info is not None else CallInfo()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the annotations of the subclasses have the types
        if name.startswith("_"):
            raise AttributeError(name)
        fields: Mapping[str, object] = self.__dict__["_fields"]
        if name in fields:
            value = self.__dict__[name] = self._wrapped(name, fields[name])
            return value
        if any(name in getattr(kind, "__annotations__", ()) for kind in type(self).__mro__):
            return None
        raise AttributeError(f"{type(self).__name__!r} has no field {name!r}")

    def _wrapped(self, name: str, value: object) -> object:
        kind = self._nested.get(name)
        if kind is None:
            return value
        if isinstance(value, list):
            return [kind(item) if isinstance(item, dict) else item for item in value]
        return kind(value) if isinstance(value, dict) else value

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is read-only: {name} cannot be set")

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - as in a dictionary
        if name not in self._fields:
            raise KeyError(name)
        return getattr(self, name)

    def __contains__(self, name: object) -> bool:
        return name in self._fields

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Resource) and type(self) is type(other) and self._fields == other._fields

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._fields)
        return f"{type(self).__name__}({shown})"

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (dict(self._fields), CallInfo(provider=self._info.provider, cost=self._info.cost))

    def get(self, name: str, default: object = None) -> Any:  # noqa: ANN401 - as in a dictionary
        """The field, or the default where the response lacks it."""
        return getattr(self, name) if name in self._fields else default

    def keys(self) -> KeysView[str]:
        """The names of the response's fields."""
        fields: Mapping[str, object] = self._fields
        return fields.keys()

    def to_dict(self) -> dict[str, object]:
        """A copy of the response's JSON object."""
        return json.loads(json.dumps(self._fields))  # type: ignore[no-any-return]

    def to_json(self, *, indent: int | None = 2) -> str:
        """The response as JSON text."""
        return json.dumps(self._fields, indent=indent)

    def model_dump(
        self, *, mode: Literal["json", "python"] = "python", exclude_none: bool = False, exclude_unset: bool = True
    ) -> dict[str, object]:
        """The JSON object, with pydantic's parameters; `mode` and `exclude_unset` change nothing here."""
        del mode, exclude_unset
        return {name: value for name, value in self.to_dict().items() if not (exclude_none and value is None)}

    def model_dump_json(self, *, indent: int | None = None) -> str:
        """The JSON text, under pydantic's name."""
        return self.to_json(indent=indent)


Item = TypeVar("Item", bound=Resource)


class Listed(Resource, Generic[Item]):
    """A list that comes in one response. Iterate over it, or take `data`."""

    object: str
    data: list[Item]
    has_more: bool | None
    next_page: str | None

    def __iter__(self) -> Iterator[Item]:
        return iter(self.data or ())

    def __len__(self) -> int:
        return len(self.data or ())
