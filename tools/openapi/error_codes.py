"""The codes of errors, by the status that they come with: what each means to a client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

Codes: TypeAlias = Mapping[str, str]

_OF_VALUES: Final[Codes] = {
    "invalid_type": "a value of another JSON type.",
    "invalid_value": "a value that the field does not take.",
    "missing_required_parameter": "`param` is missing.",
    "unknown_parameter": "no field has this name.",
    "mutually_exclusive_parameters": "only one of these fields may be sent.",
    "integer_above_max_value": "the message has the limit.",
    "integer_below_min_value": "the message has the limit.",
    "decimal_above_max_value": "the message has the limit.",
    "decimal_below_min_value": "the message has the limit.",
    "array_above_max_length": "the message has the limit.",
    "array_below_min_length": "the message has the limit.",
    "string_above_max_length": "the message has the limit.",
    "string_below_min_length": "the message has the limit.",
    "object_above_max_properties": "the message has the limit.",
    "empty_array": "at least one element is needed.",
    "empty_string": "at least one character is needed.",
    "invalid_header": "a header that is not UTF-8.",
    "unsupported_content_type": "the body is in another format.",
    "unsupported_parameter": "Azure OpenAI does not offer it.",
}
_OF_REQUESTS: Final[Codes] = {
    "previous_response_not_found": "it does not exist, belongs to another tenant, or is no longer in the ledger.",
    "model_unpriced": "the call counts against a budget, but has no price.",
    "expiry_required": "the team's stores have to expire.",
    "already_exists": "another row has this id or name.",
    "unknown_team": "the team has to be made first.",
    "team_deleted": "the id of a deleted team is not given again.",
    "too_many_calls": "a report of so many calls is not made: ask for less.",
    "too_many_records": "so many records are not sorted, or not read at once: ask for less.",
    "records_not_kept": "records of calls of that time are removed by now: ask for days.",
}
CODES: Final[Mapping[str, Codes]] = {
    "400": {**_OF_VALUES, **_OF_REQUESTS},
    "401": {"invalid_api_key": "no key, or one that is not valid."},
    "403": {
        "blocked": "the key, the team or the end user.",
        "route_not_allowed": "a restriction of the key.",
        "provider_not_allowed": "a restriction of the key.",
        "read_only_key": "a restriction of the key.",
        "vector_store_not_allowed": "a restriction of the key.",
        "model_not_allowed": "a restriction of the key.",
        "tool_not_allowed": "a restriction of the key.",
        "not_owner": "the store is another team's, which shares it.",
        "shared_read_only": "the store is another team's, which shares it.",
        "admin_key": "the key is for administration only.",
        "admin_key_required": "not for keys of a team's admin.",
        "master_key_required": "admin keys are managed with the master key.",
        "exceeds_own_rights": "a team's admin may not give more than it has.",
        "tenant_not_trusted": "invocations have to send an `api_key`.",
        "origin_not_allowed": "pages of this origin may not call the gateway.",
    },
    "404": {
        "unknown_url": "no such route.",
        "provider_not_configured": "of this API.",
        "unsupported_operation": "Azure OpenAI does not offer it.",
        "admin_key_not_configured": "OpenAI's bill cannot be read.",
    },
    "409": {
        "idempotency_in_flight": "the same request is in progress.",
        "idempotency_outcome_unknown": "its outcome is not known yet.",
        "idempotency_answer_not_kept": "it was executed.",
        "conflict": "other requests are changing the same row: send it again.",
        "index_exists": "another index has this name.",
    },
    "413": {
        "request_too_large": "larger than this deployment carries.",
        "response_too_large": "larger than this deployment carries.",
    },
    "422": {"idempotency_key_reused": "the `Idempotency-Key` was used with another body, API key or end user."},
    "429": {
        "insufficient_quota": "a budget.",
        "vector_store_limit_reached": "a rule for the team's stores.",
        "vector_store_storage_limit_reached": "a rule for the team's stores.",
        "rate_limit_exceeded": "a rate limit, of the gateway or of the provider, with `retry-after`.",
    },
    "502": {
        "provider_connection_lost": "the provider may have executed the call.",
        "provider_unreachable": "nothing was executed.",
        "provider_credential_refused": "nothing was executed.",
        "answer_not_recorded": "the call was executed, but its answer cannot be recorded.",
        "id_not_new": "the provider answered with an object that existed before.",
        "list_too_long": "the provider's list cannot be read in time.",
        "list_without_end": "the provider's list cannot be read.",
        "list_without_order": "the provider's list cannot be read.",
        "report_unreadable": "the provider's report cannot be read.",
    },
    "503": {
        "keys_unavailable": "keys cannot be checked.",
        "budgets_unavailable": "budgets cannot be checked.",
        "rate_limits_unavailable": "rate limits cannot be checked.",
        "ledger_unavailable": "calls cannot be recorded.",
        "store_unavailable": "the database cannot be reached.",
        "credential_unavailable": "the provider's credential cannot be read.",
        "provider_unavailable": "the provider cannot be read.",
        "service_unavailable": "a destination of exports, or a queue, cannot be reached.",
    },
    "504": {"provider_timeout": "the provider did not answer in time."},
}
# What is to be said of a status beside its codes.
_BESIDE: Final[Mapping[str, str]] = {
    "400": "The request is wrong: `param` and the message say where.",
    "404": "Without a code: what the call names does not exist, or is another tenant's; the answers are the same.",
    "502": "Other codes are the provider's. With `x-should-retry: false` it may have executed the call.",
    "503": "A part of the gateway is unavailable, and nothing was executed.",
    "504": "With `x-should-retry: false` the provider may have executed the call.",
}


def description(status: str) -> str:
    """The codes of a status: those with one meaning together, in their order."""
    by_meaning: dict[str, list[str]] = {}
    for code, meaning in CODES[status].items():
        by_meaning.setdefault(meaning, []).append(f"`{code}`")
    said = [f"{', '.join(codes)}: {meaning}" for meaning, codes in by_meaning.items()]
    return " ".join([*said, *([_BESIDE[status]] if status in _BESIDE else [])])
