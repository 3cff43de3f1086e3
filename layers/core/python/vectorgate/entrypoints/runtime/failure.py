"""An error of a function, as Lambda takes it."""

from __future__ import annotations

from typing import Final

from vectorgate.classes import dataclass

DEFECT: Final = "The gateway failed to handle this request."


@dataclass(frozen=True, slots=True)
class Failure:
    """A type, such as `ValueError`, and a message."""

    type: str
    message: str

    @classmethod
    def of_start(cls, error: Exception) -> Failure:
        """Why a function cannot start: the message names the setting."""
        return cls(type(error).__name__, str(error))

    @classmethod
    def of_defect(cls, error: Exception) -> Failure:
        """A defect while a request was answered: its message may hold anything, and stays here."""
        return cls(type(error).__name__, DEFECT)

    def document(self) -> dict[str, object]:
        """The fields that Lambda reads."""
        return {"errorType": self.type, "errorMessage": self.message, "stackTrace": []}
