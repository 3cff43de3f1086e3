"""Replace an index's real name by its virtual one in the service's answers, and remove the service's host. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, cast

from vectorgate.api.router import SEARCH_PREFIX
from vectorgate.azure_search.operations import ResponseKind
from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vectorgate.api.errors import ApiError

_LINKS: Final = ("@odata.context", "@odata.nextLink")
_ABSOLUTE: Final = re.compile(r"https?://[^/]*(/.*)?", re.DOTALL)
_QUOTED_INDEX: Final = re.compile(r"indexes\('([^']*)'\)")


@dataclass(frozen=True, slots=True)
class IndexNames:
    """The virtual name of an index, and its real one, which no client may see."""

    virtual: str
    real: str

    def hide_in_text(self, text: str) -> str:
        """Replace the real name by the virtual one wherever it occurs as a whole word."""
        return re.sub(rf"(?<![A-Za-z0-9_-]){re.escape(self.real)}(?![A-Za-z0-9_-])", self.virtual, text)

    def hide_in_error(self, error: ApiError) -> None:
        """Replace the name in an error's message and details, in place: the error keeps its class and headers."""
        error.message = self.hide_in_text(error.message)
        error.args = (error.message,)
        details: tuple[tuple[str, str], ...] = getattr(error, "details", ())
        if details:
            error.details = tuple((code, self.hide_in_text(text)) for code, text in details)  # type: ignore[attr-defined]

    def hide_in_document(self, document: Mapping[str, object], response_kind: ResponseKind) -> dict[str, object]:
        """Replace the name in an answer about one index. Documents that a search finds are left unchanged."""
        result = self.rewrite_links(document)
        if response_kind is ResponseKind.DEFINITION:
            return self.hide_in_definition(result)
        if response_kind is ResponseKind.OUTCOMES and isinstance(result.get("value"), list):
            result["value"] = [self._hide_in_outcome(item) for item in cast("list[object]", result["value"])]
        return result

    def hide_in_definition(self, definition: Mapping[str, object]) -> dict[str, object]:
        """An index's definition under its virtual name, without hosts."""
        result = {**definition}
        if "name" in result:
            result["name"] = self.virtual
        return without_hosts(result)

    def rewrite_links(self, document: Mapping[str, object]) -> dict[str, object]:
        """Replace OData's links by paths of the gateway. They hold no host, because the gateway's own is not known."""
        result = {**document}
        for name in _LINKS:
            if name in result:
                link = self._rewrite(result.pop(name))
                if link is not None:
                    result[name] = link
        return result

    def _rewrite(self, link: object) -> str | None:
        """The link as a path of the gateway; None to drop a link that may name another index."""
        match = _ABSOLUTE.fullmatch(link) if isinstance(link, str) else None
        path = (match[1] or "/") if match else ""
        if not path or any(name != self.real for name in _QUOTED_INDEX.findall(path)):
            return None
        return SEARCH_PREFIX + self.hide_in_text(path)

    def _hide_in_outcome(self, item: object) -> object:
        if not isinstance(item, dict) or not isinstance(item.get("errorMessage"), str):
            return item
        return {**item, "errorMessage": self.hide_in_text(item["errorMessage"])}


def select_definitions(document: Mapping[str, object], real_names: Mapping[str, str]) -> dict[str, object]:
    """Select from a list of definitions those of `real_names` (virtual to real), under their virtual names."""
    return {"value": list(_selected(document.get("value"), real_names))}


def _selected(definitions: object, real_names: Mapping[str, str]) -> Iterator[dict[str, object]]:
    for definition in definitions if isinstance(definitions, list) else ():
        if isinstance(definition, dict):
            for virtual, real in real_names.items():
                if definition.get("name") == real:
                    names = IndexNames(virtual, real)
                    yield names.hide_in_definition(names.rewrite_links(definition))


def without_hosts(definition: dict[str, object]) -> dict[str, object]:
    """Remove the key vault and the parameters of vectorizers: an administrator set them, and they name hosts."""
    if definition.get("encryptionKey") is not None:
        definition["encryptionKey"] = None
    settings = definition.get("vectorSearch")
    if isinstance(settings, dict) and isinstance(settings.get("vectorizers"), list):
        kept = [{"name": item.get("name"), "kind": item.get("kind")} for item in settings["vectorizers"]]
        definition["vectorSearch"] = {**settings, "vectorizers": kept}
    return definition


def envelope(error: ApiError) -> dict[str, object]:
    """The error's JSON body in Azure's format."""
    details = [{"code": code, "message": text} for code, text in getattr(error, "details", ())]
    inner: dict[str, object] = {"code": error.code or str(error.status), "message": error.message}
    return {"error": {**inner, "details": details} if details else inner}
