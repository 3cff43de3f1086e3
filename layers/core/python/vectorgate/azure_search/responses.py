"""What comes back from the service: the virtual name where the real one stood, and not the service's host. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from vectorgate.azure_search.operations import ResponseKind
from vectorgate.azure_search.router import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vectorgate.api.errors import ApiError

_LINKS: Final = ("@odata.context", "@odata.nextLink")
_ABSOLUTE: Final = re.compile(r"https?://[^/]*(/.*)?", re.DOTALL)
_QUOTED_INDEX: Final = re.compile(r"indexes\('([^']*)'\)")


@dataclass(frozen=True, slots=True)
class IndexNames:
    """One virtual name and the real one behind it."""

    virtual: str
    real: str

    def said(self, text: str) -> str:
        """A text for people, with the virtual name wherever the real one stands as a word."""
        return re.sub(rf"(?<![A-Za-z0-9_-]){re.escape(self.real)}(?![A-Za-z0-9_-])", self.virtual, text)

    def in_error(self, error: ApiError) -> None:
        """The same in an error's message and details, in place: it keeps its kind and its headers."""
        error.message = self.said(error.message)
        error.args = (error.message,)
        details: tuple[tuple[str, str], ...] = getattr(error, "details", ())
        if details:
            error.details = tuple((code, self.said(text)) for code, text in details)  # type: ignore[attr-defined]

    def in_document(self, document: Mapping[str, object], response_kind: ResponseKind) -> dict[str, object]:
        """A whole answer of one index. Documents that a search finds are the tenant's own words, and stay."""
        shown = self.linked(document)
        if response_kind is ResponseKind.DEFINITION:
            return self.defined(shown)
        if response_kind is ResponseKind.OUTCOMES and isinstance(shown.get("value"), list):
            shown["value"] = [self._outcome(item) for item in cast("list[object]", shown["value"])]
        return shown

    def defined(self, definition: Mapping[str, object]) -> dict[str, object]:
        """An index's definition under its virtual name."""
        shown = {**definition}
        if "name" in shown:
            shown["name"] = self.virtual
        return without_hosts(shown)

    def linked(self, document: Mapping[str, object]) -> dict[str, object]:
        """With OData's links leading to the gateway, as paths: no host is known that is sure to be ours."""
        shown = {**document}
        for name in _LINKS:
            if name in shown:
                link = self._link(shown.pop(name))
                if link is not None:
                    shown[name] = link
        return shown

    def _link(self, link: object) -> str | None:
        """None for a link that is not about this index: what it names, nobody knows."""
        match = _ABSOLUTE.fullmatch(link) if isinstance(link, str) else None
        path = (match[1] or "/") if match else ""
        if not path or any(name != self.real for name in _QUOTED_INDEX.findall(path)):
            return None
        return PREFIX + self.said(path)

    def _outcome(self, item: object) -> object:
        if not isinstance(item, dict) or not isinstance(item.get("errorMessage"), str):
            return item
        return {**item, "errorMessage": self.said(item["errorMessage"])}


def listed(document: Mapping[str, object], real_names: Mapping[str, str]) -> dict[str, object]:
    """A list of definitions: those alone that stand behind a name of `real_names` (virtual to real), in its order."""
    return {"value": list(_shown(document.get("value"), real_names))}


def _shown(definitions: object, real_names: Mapping[str, str]) -> Iterator[dict[str, object]]:
    for definition in definitions if isinstance(definitions, list) else ():
        if isinstance(definition, dict):
            for virtual, real in real_names.items():
                if definition.get("name") == real:
                    names = IndexNames(virtual, real)
                    yield names.defined(names.linked(definition))


def without_hosts(definition: dict[str, object]) -> dict[str, object]:
    """Without the key vault and the parameters of vectorizers, which the administrator set and which name hosts."""
    if definition.get("encryptionKey") is not None:
        definition["encryptionKey"] = None
    settings = definition.get("vectorSearch")
    if isinstance(settings, dict) and isinstance(settings.get("vectorizers"), list):
        kept = [{"name": item.get("name"), "kind": item.get("kind")} for item in settings["vectorizers"]]
        definition["vectorSearch"] = {**settings, "vectorizers": kept}
    return definition


def envelope(error: ApiError) -> dict[str, object]:
    """The error as Azure's clients read it."""
    details = [{"code": code, "message": text} for code, text in getattr(error, "details", ())]
    inner: dict[str, object] = {"code": error.code or str(error.status), "message": error.message}
    return {"error": {**inner, "details": details} if details else inner}
