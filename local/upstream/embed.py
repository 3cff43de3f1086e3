"""Embeddings: wordllama's 256-dimensional static word vectors, averaged over a text and normalised.

Only the two data files of the wheel are read. Importing wordllama itself would take half a second, and would configure
the root logger for everyone; the arithmetic is its ``embed(norm=True)`` and a test holds the two equal.
"""

import importlib.util
import threading
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
DIMENSIONS = 256
WEIGHTS = "weights/l2_supercat_256.safetensors"
TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"


def package_folder() -> Path:
    """Where wordllama is installed, found without importing it."""
    spec = importlib.util.find_spec("wordllama")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("wordllama is not installed: see requirements/local.in")
    return Path(spec.submodule_search_locations[0])


class Model:
    """The loaded weights and tokenizer."""

    def __init__(self, folder: Path) -> None:
        # Here and not above: loading is what a server that has just started must not wait for.
        from safetensors.numpy import load_file  # noqa: PLC0415
        from tokenizers import Tokenizer  # noqa: PLC0415

        (weights,) = load_file(folder / WEIGHTS).values()
        self.vectors: Floats = weights.astype(np.float32)
        self._tokenizer: Any = Tokenizer.from_file(str(folder / TOKENIZER))

    def tokenize(self, text: str, /) -> tuple[list[int], list[int]]:
        """Token ids, and the character each token starts at."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return encoding.ids, [start for start, _ in encoding.offsets]

    def embed(self, ids: npt.ArrayLike) -> Floats:
        """The unit vector of a run of tokens; zeros when there are none."""
        rows = self.vectors[np.asarray(ids, dtype=np.int64)]
        total: Floats = rows.sum(axis=0, dtype=np.float32)
        norm = np.float32(np.linalg.norm(total))
        return total / norm if norm else total


class Embedder:
    """The model, loaded by the first thread that needs it."""

    def __init__(self) -> None:
        self._loading = threading.Lock()

    @property
    def model(self) -> Model:
        """The model; the first caller waits for it to load, and so do others meanwhile."""
        with self._loading:
            return self._model

    @cached_property
    def _model(self) -> Model:
        return Model(package_folder())

    def query(self, text: str) -> Floats:
        """The unit vector of a query."""
        model = self.model
        return model.embed(model.tokenize(text)[0])
