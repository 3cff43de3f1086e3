"""A store of secrets whose texts a test sets."""

from __future__ import annotations

from dataclasses import dataclass, field

from vectorgate.providers.credentials import SecretUnavailable


@dataclass
class FakeSecretSource:
    """A `SecretSource` that keeps the names that were read, in order.

    `texts` has the secrets by name; every other name has `text`, or is unavailable if that is None.
    """

    text: str | None = None
    texts: dict[str, str] = field(default_factory=dict)
    names_read: list[str] = field(default_factory=list)

    @property
    def readings(self) -> int:
        """How many times a secret was read."""
        return len(self.names_read)

    def read(self, name: str) -> str:
        """Return the text of a secret. SecretUnavailable if it has none."""
        self.names_read.append(name)
        text = self.texts.get(name, self.text)
        if text is None:
            raise SecretUnavailable(name)
        return text
