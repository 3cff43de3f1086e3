"""What a response takes over from the one that it continues (`previous_response_id`): tools, stores, tokens.

OpenAI keeps the items of a conversation, and items may bring tools. So a response has the tools of earlier inputs
without naming them: the caller must be allowed each, now, as if its body named it. And it reads what the earlier ones
read and wrote, of which its body shows nothing. The row of the earlier response tells both.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vectorgate.api.errors import Unavailable
from vectorgate.api.references import PREVIOUS, Feature, Reference, check_counts
from vectorgate.ids import ObjectId, ObjectKind
from vectorgate.ledger.generation import origin_of
from vectorgate.pricing.usage import tool_calls_of
from vectorgate.store_errors import StoreError
from vectorgate.tenancy.authorization import no_previous_response
from vectorgate.tenancy.ownership import ObjectRef

if TYPE_CHECKING:
    from vectorgate.api.command import Command
    from vectorgate.auth.principal import Principal
    from vectorgate.gateway.context import RequestContext
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.ledger.ports import LedgerStore
    from vectorgate.tenancy.ports import OwnershipStore


def continued(
    context: RequestContext, command: Command, principal: Principal, ledger: LedgerStore, ownership: OwnershipStore
) -> Command:
    """The command with what it takes over, which the principal may use. 400, 403, 404; 503 if a store fails."""
    try:
        earlier = _earlier(context, command, ledger, ownership)
        if earlier is None:
            return command
        found = with_earlier(command, earlier)
        if found.references != command.references or found.features != command.features:
            context.surface.authorise(found, principal)
    except StoreError as error:
        raise Unavailable("The gateway cannot check ownership at this moment.", code="store_unavailable") from error
    return found


def _earlier(
    context: RequestContext, command: Command, ledger: LedgerStore, ownership: OwnershipStore
) -> LedgerEntry | None:
    """The row of the response that the command continues; None for one of an early release.

    InvalidRequest for one whose row is not kept any more: nothing tells what it would bring.
    """
    if context.provider is None:
        return None
    ref = ObjectRef(context.provider, ObjectKind.RESPONSE, ObjectId(str(command.body[PREVIOUS])))
    owned = ownership.owners([ref]).get(ref)
    name = origin_of(owned) if owned is not None else None
    if name is None:
        return None
    earlier = ledger.entry(name)
    if earlier is None:
        raise no_previous_response(ref.id, PREVIOUS)
    return earlier


def with_earlier(command: Command, earlier: LedgerEntry) -> Command:
    """The command with the stores, tools and tokens of the earlier response. InvalidRequest for too many stores."""
    stores = [Reference(ObjectKind.VECTOR_STORE, ObjectId(name), PREVIOUS) for name in earlier.kept_stores]
    tools = [Feature(name, PREVIOUS) for name in earlier.kept_tools]
    references = (*command.references, *stores)
    check_counts(references)
    features = (*command.features, *tools)
    return replace(command, references=references, features=features, earlier_tokens=_tokens(earlier))


def _tokens(earlier: LedgerEntry) -> int | None:
    """What the earlier response read and wrote, or may have; None where neither is known."""
    if earlier.input_tokens is not None and earlier.output_tokens is not None:
        return earlier.input_tokens + earlier.output_tokens
    most = tool_calls_of(earlier.ceiling)
    return most["input_tokens"] + most["output_tokens"] if most else None
