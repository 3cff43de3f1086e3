"""The engine knows every field of a request that openai's types and the gateway's schemas name, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from openai.types.responses.input_token_count_params import InputTokenCountParams
from openai.types.responses.response_compact_params import ResponseCompactParams
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming

from engine.responses import request
from vectorgate.api import schemas

if TYPE_CHECKING:
    from pydantic import BaseModel


@pytest.mark.parametrize(
    ("model", "theirs", "gateways"),
    [
        (request.CreateResponse, ResponseCreateParamsStreaming, schemas.CreateResponse),
        (request.CountInputTokens, InputTokenCountParams, schemas.CountInputTokens),
        (request.CompactResponse, ResponseCompactParams, schemas.CompactResponse),
    ],
)
def test_each_request_has_the_fields_of_openais_types(
    model: type[BaseModel], theirs: Any, gateways: type[BaseModel]
) -> None:
    assert model.model_fields.keys() == theirs.__annotations__.keys()
    assert model.model_fields.keys() == gateways.model_fields.keys()
