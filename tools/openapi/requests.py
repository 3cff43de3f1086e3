"""JSON schemas of the request models: pydantic's own, with what the validators of `vectorgate.api.schemas` check.

A validator is a function, of which pydantic can say nothing in JSON Schema: `CHECKS` says it, by the function's name.
A function without a line there is an error, so that a check that is added to a model is described as well.
"""

from __future__ import annotations

import json
from inspect import getclosurevars
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from vectorgate.api.operations import Media
from vectorgate.api.schemas import fields, filters, litellm, litellm_used
from vectorgate.api.schemas.query import (
    InputItemsQuery,
    ListFilesQuery,
    ListQuery,
    ListStoreFilesQuery,
    RetrieveResponseQuery,
    names_of,
)
from vectorgate.ids import ID_PREFIXES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pydantic import BaseModel
    from pydantic_core import core_schema

    from vectorgate.api.operations import Operation
    from vectorgate.ids import ObjectKind

    Document: TypeAlias = dict[str, Any]
    Check: TypeAlias = Callable[[Document, Mapping[str, Any]], Document]

SCHEMAS: Final = "#/components/schemas/"
# A value for each parameter that a listing can have; what a reader lets through says which model it reads by.
_EVERY_PARAMETER: Final = {
    "limit": "1",
    "order": "asc",
    "after": "a",
    "before": "b",
    "filter": "completed",
    "purpose": "assistants",
    "include[]": "a",
    "stream": "true",
    "starting_after": "1",
    "include_obfuscation": "true",
}
_LISTINGS: Final = (ListQuery, ListStoreFilesQuery, ListFilesQuery, RetrieveResponseQuery, InputItemsQuery)


def reference(name: str) -> Document:
    """A schema of the components, by its name."""
    return {"$ref": SCHEMAS + name}


def text(limit: int, **more: object) -> Document:
    """The schema of a string of at most `limit` characters."""
    return {"type": "string", "maxLength": limit, **more}


def _unchanged(schema: Document, given: Mapping[str, Any]) -> Document:
    """A check that JSON Schema cannot say, or that the rest of the schema says already."""
    del given
    return schema


def _not_null(schema: Document, given: Mapping[str, Any]) -> Document:
    del given
    (only,) = (part for part in schema["anyOf"] if part != {"type": "null"})
    return dict(only)


def _items(schema: Document, given: Mapping[str, Any]) -> Document:
    return {**schema, "maxItems": given["limit"]}


def _properties(schema: Document, given: Mapping[str, Any]) -> Document:
    del given
    return {**schema, "maxProperties": fields.PROPERTIES_MAX, "propertyNames": {"maxLength": fields.KEY_MAX}}


def _id(schema: Document, given: Mapping[str, Any]) -> Document:
    described = {"description": beginning(given["kind"])} if "kind" in given else {}
    return {**schema, "pattern": "^[A-Za-z0-9_-]+$", **described}


def beginning(kind: ObjectKind) -> str:
    """How the ids of a kind begin; those of another kind are refused."""
    return f"OpenAI's begin with `{ID_PREFIXES[kind]}`; one that begins as those of another kind do is refused."


def _scalar(schema: Document, given: Mapping[str, Any]) -> Document:
    del schema
    return {"anyOf": [text(given["max_length"]), {"type": "number"}, {"type": "boolean"}]}


def _query(schema: Document, given: Mapping[str, Any]) -> Document:
    del schema, given
    one = text(fields.QUERY_MAX)
    return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1, "maxItems": fields.QUERIES_MAX}]}


def _input(schema: Document, given: Mapping[str, Any]) -> Document:
    del schema, given
    return {"anyOf": [{"type": "string"}, {"type": "array", "items": {}}, {"type": "null"}]}


def _model_name(schema: Document, given: Mapping[str, Any]) -> Document:
    del given
    return {**schema, "pattern": "^[A-Za-z0-9][A-Za-z0-9._:/@-]*$"}


def _filter_value(schema: Document, given: Mapping[str, Any]) -> Document:
    del schema, given
    one = text(fields.TEXT_MAX)
    several = {"type": "array", "items": {"anyOf": [one, {"type": "number"}]}, "maxItems": filters.FILTER_VALUES_MAX}
    return {"anyOf": [one, {"type": "number"}, {"type": "boolean"}, several]}


def _one_form(schema: Document, given: Mapping[str, Any]) -> Document:
    del given
    return {**schema, "oneOf": [{"required": ["file_ids"]}, {"required": ["files"]}]}


CHECKS: Final[Mapping[str, Check]] = {
    "not_null.<locals>.refuse": _not_null,
    "at_most.<locals>.check": _items,
    "check_properties": _properties,
    "_check_id_characters": _id,
    "id_of.<locals>.check": _id,
    "scalar.<locals>.check": _scalar,
    "_check_query": _query,
    "_check_input": _input,
    "_check_model_name": _model_name,
    "_check_value": _filter_value,
    "check_filter_size": _unchanged,  # depth and number of a whole tree
    "StaticChunking._check_overlap": _unchanged,  # one field against another
    "CreateFileBatch._check_one_form": _one_form,
}


class RequestSchema(GenerateJsonSchema):
    """Pydantic's generator, with the validators' checks; without titles that repeat a field's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401 - pydantic's own union of schemas
        """Say that no field needs a title."""
        del schema
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> Document:
        """A default that is null or empty is a field that may be absent, which is said by its not being required."""
        found = super().default_schema(schema)
        return {name: value for name, value in found.items() if name != "default" or value not in (None, "", [])}

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> Document:
        """What the type allows, and what is checked before it."""
        return _checked(self.generate_inner(schema["schema"]), schema["function"]["function"])

    def function_after_schema(self, schema: core_schema.AfterValidatorFunctionSchema) -> Document:
        """What the type allows, and what is checked after it."""
        return _checked(self.generate_inner(schema["schema"]), schema["function"]["function"])

    def function_plain_schema(self, schema: core_schema.PlainValidatorFunctionSchema) -> Document:
        """What the function allows: there is no type beside it."""
        return _checked({}, schema["function"]["function"])


def _checked(schema: Document, check: Callable[..., object]) -> Document:
    function = getattr(check, "__func__", check)
    if function.__qualname__ not in CHECKS:
        raise LookupError(f"CHECKS in {__file__} does not say what {function.__qualname__} checks")
    return CHECKS[function.__qualname__](schema, getclosurevars(function).nonlocals)


def request_name(operation: Operation) -> str:
    """The name of the schema of an operation's body. ValueError for an operation without one."""
    if operation.body is None:
        raise ValueError(f"{operation.name} has no body")
    return f"{operation.body.__name__}Request"


def request_schemas(operations: Iterable[Operation]) -> dict[str, Document]:
    """The schemas of all bodies, and of what they are made of, by name and in its order."""
    with_body = {request_name(operation): operation for operation in operations if operation.body is not None}
    models = model_schemas(operation.body for operation in with_body.values() if operation.body is not None)
    requests = {
        name: _with_more_fields(models[name.removesuffix("Request")], operation)
        for name, operation in with_body.items()
    }
    found = requests | {name: model for name, model in models.items() if _refers({**models, **requests}, name)}
    return {name: found[name] for name in sorted(found)}


def model_schemas(models: Iterable[type[BaseModel]]) -> dict[str, Document]:
    """Pydantic's schemas of the models, and of those that they are made of."""
    _, found = models_json_schema(
        [(model, "validation") for model in models],
        ref_template=SCHEMAS + "{model}",
        schema_generator=RequestSchema,
    )
    schemas: dict[str, Document] = found["$defs"]
    return schemas


def _refers(schemas: Mapping[str, Document], name: str) -> bool:
    """Whether any of the schemas is made of that one."""
    return f'"{SCHEMAS}{name}"' in json.dumps(schemas)


def _with_more_fields(schema: Document, operation: Operation) -> Document:
    """A body's schema with what is taken out of it before the model sees it: the file, and LiteLLM's fields."""
    form = operation.media is Media.MULTIPART
    file = {operation.file_field: {"type": "string", "format": "binary"}} if form else {}
    more = litellm_fields(litellm.USED_IN_FORMS if form else litellm.USED)
    return {
        **{name: value for name, value in schema.items() if name not in {"description", "title"}},
        "properties": {**file, **schema["properties"], **more},
        "required": [*file, *schema.get("required", [])],
    }


def litellm_fields(names: Iterable[str]) -> dict[str, Document]:
    """The fields that LiteLLM's clients put beside OpenAI's, and that mean something here."""
    known = {
        "custom_llm_provider": text(
            litellm_used.PROVIDER_MAX,
            minLength=1,
            description="The provider that the call is for; the default's otherwise.",
        ),
        "user": text(litellm_used.USER_MAX, description="The end user that the call is made for."),
        "mock_response": {"type": "object", "description": "The answer, without a call of the provider."},
        "tags": {
            "type": "array",
            "items": text(fields.TAG_MAX),
            "maxItems": fields.TAGS_MAX,
            "description": "Labels of the call's record.",
        },
    }
    return {name: known[name] for name in sorted(names)}


def query_model(operation: Operation) -> type[BaseModel] | None:
    """The model by which a listing reads its query; None for an operation that has no parameters there."""
    if operation.query_model is None:
        return None
    read = operation.query(_EVERY_PARAMETER).keys()
    (model,) = (model for model in _LISTINGS if names_of(model) == read)
    return model


def query_parameters(operation: Operation) -> list[Document]:
    """The parameters of a listing."""
    model = query_model(operation)
    if model is None:
        return []
    properties = model.model_json_schema(schema_generator=RequestSchema)["properties"]
    return [{"name": name, "in": "query", "schema": _given(schema)} for name, schema in properties.items()]


def _given(schema: Document) -> Document:
    """The schema of a field that may be null, as it is given in a query, which has no null."""
    return _not_null(schema, {}) if {"type": "null"} in schema.get("anyOf", []) else schema
