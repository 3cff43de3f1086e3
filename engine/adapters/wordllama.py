"""Embeddings: wordllama's 256-dimensional static word vectors, averaged over a text and normalised.

Only the two data files of the wheel are read. Importing wordllama itself would take half a second, and would configure
the root logger for the whole process; the arithmetic is its `embed(norm=True)`, and a test compares the two.
"""

from __future__ import annotations

import importlib.util
import threading
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from engine.model import Floats

DIMENSIONS: Final = 256
WEIGHTS: Final = "weights/l2_supercat_256.safetensors"
TOKENIZER: Final = "tokenizers/l2_supercat_tokenizer_config.json"


def package_folder() -> Path:
    """Where wordllama is installed, found without importing it. ModuleNotFoundError."""
    spec = importlib.util.find_spec("wordllama")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("wordllama is not installed: see requirements/local.in")
    return Path(spec.submodule_search_locations[0])


class WordLlama:
    """`Embedder`: the model, loaded by the first thread that needs it while others wait."""

    def __init__(self) -> None:
        self._loading = threading.Lock()

    def load(self) -> None:
        """Load the model, if it is not loaded."""
        self._loaded()

    def tokenize(self, text: str, /) -> tuple[list[int], list[int]]:
        """Token ids, and the character at which each token starts."""
        encoding = self._loaded().tokenizer.encode(text, add_special_tokens=False)
        return encoding.ids, [start for start, _ in encoding.offsets]

    def embed(self, ids: npt.ArrayLike) -> Floats:
        """The unit vector of a run of tokens; zeros when there are none."""
        rows = self._loaded().vectors[np.asarray(ids, dtype=np.int64)]
        total: Floats = rows.sum(axis=0, dtype=np.float32)
        norm = np.float32(np.linalg.norm(total))
        return total / norm if norm else total

    def _loaded(self) -> _Model:
        with self._loading:
            return self._model

    @cached_property
    def _model(self) -> _Model:
        return _Model(package_folder())


class _Model:
    """The weights and the tokenizer."""

    def __init__(self, folder: Path) -> None:
        # Imported here and not above: a server that has just started must not wait for it.
        from safetensors.numpy import load_file  # noqa: PLC0415
        from tokenizers import Tokenizer  # noqa: PLC0415

        (weights,) = load_file(folder / WEIGHTS).values()
        self.vectors: Floats = weights.astype(np.float32)
        self.tokenizer: Any = Tokenizer.from_file(str(folder / TOKENIZER))
