"""The most tokens that a response may write: the request's own, its key's, and the deployment's for budgets. Pure.

Without a limit a response may cost whatever the model writes, and no budget could reserve it: so one is put into the
request that is forwarded, where the client set none.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vectorgate.api.http import encode_json
from vectorgate.api.schemas import error_messages

if TYPE_CHECKING:
    from vectorgate.api.command import Command
    from vectorgate.auth.keys.model import VirtualKey

FIELD: Final = "max_output_tokens"


def limited(command: Command, key: VirtualKey, ceiling: int | None) -> Command:
    """The command with a limit, where its key has one or `ceiling` is given, and the body has none.

    InvalidRequest (400) for a body that asks for more than its key may have.
    """
    operation = command.operation
    if not operation.generates or operation.body is None or FIELD not in operation.body.model_fields:
        return command
    asked = command.body.get(FIELD)
    if isinstance(asked, int):
        if key.max_output_tokens is not None and asked > key.max_output_tokens:
            raise error_messages.above_max(FIELD, key.max_output_tokens, asked)
        return command
    limit = key.max_output_tokens if key.max_output_tokens is not None else ceiling
    if limit is None:
        return command
    body = {**command.body, FIELD: limit}
    return replace(command, body=body, content=encode_json(body))
