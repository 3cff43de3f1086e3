"""The secrets of a deployment's providers: where each is, and whether it can be used."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vectorgate.client.cli.exits import NOT_FOUND, USAGE, Failure
from vectorgate.ids import ProviderName
from vectorgate.providers.credentials import MalformedSecret, read_credential

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.client.cli.aws import Aws
    from vectorgate.client.cli.stack import Stack

OPENAI: Final = "openai"
OPENAI_ADMIN: Final = "openai_admin"  # of the organization's reports, for `vectorgate reconcile`
# The stack makes OpenAI's secret, unless a parameter names it; the others are named by parameters alone.
PARAMETERS: Final[Mapping[str, str]] = {
    OPENAI: "OpenAISecretArn",
    OPENAI_ADMIN: "OpenAIAdminSecretArn",
    "azure": "AzureSecretArn",
    "azure_ai": "AzureAISearchSecretArn",
}


@dataclass(frozen=True, slots=True)
class ProviderSecret:
    """A secret of Secrets Manager."""

    provider: str
    id: str

    def text(self, aws: Aws) -> str:
        """Its current value. Failure."""
        return str(aws.call("secretsmanager", "get_secret_value", SecretId=self.id).get("SecretString", ""))

    def fault(self, text: str) -> str | None:
        """Why the gateway cannot use the value; None if it can."""
        try:
            read_credential(text, ProviderName(self.provider), plain_http=False)
        except MalformedSecret as error:
            return str(error)
        return None

    def put(self, text: str, aws: Aws) -> str:
        """Make it the current value, and return its version. Failure for one that the gateway could not use."""
        fault = self.fault(text)
        if fault is not None:
            raise Failure(f"{fault}; nothing was written", USAGE)
        answer = aws.call("secretsmanager", "put_secret_value", SecretId=self.id, SecretString=text)
        return str(answer["VersionId"])


def secrets_of(stack: Stack) -> list[ProviderSecret]:
    """Those of the providers that the stack has."""
    found = {provider: stack.parameters.get(name, "") for provider, name in PARAMETERS.items()}
    found[OPENAI] = found[OPENAI] or stack.outputs.get("OpenAISecretId", "")
    return [ProviderSecret(provider, id_) for provider, id_ in found.items() if id_]


def secret_of(stack: Stack, provider: str) -> ProviderSecret:
    """The secret of a provider. Failure where the stack has none."""
    for secret in secrets_of(stack):
        if secret.provider == provider:
            return secret
    parameter = PARAMETERS[provider]
    raise Failure(f"{stack.name} has no {provider}: deploy it with the parameter {parameter}", NOT_FOUND)


def merged(before: str, provider: str, changes: Mapping[str, str | None]) -> str:
    """The value with these fields in the place of those before; None leaves a field as it is."""
    try:
        fields = json.loads(before)
    except ValueError:
        fields = None
    kept = fields if isinstance(fields, dict) else {}
    return json.dumps(
        {**kept, "type": provider, **{name: value for name, value in changes.items() if value is not None}}
    )
