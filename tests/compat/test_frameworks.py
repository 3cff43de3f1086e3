"""Frameworks that use a vector store by `file_search`: the sample of each over a store of two documents.

The Python ones need an interpreter of their own, because they have a hundred dependencies: VECTORGATE_COMPAT_PYTHON
names it. Those of npm need node and `npm ci` in tests/compat/node. `make compat` provides both.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.harnesses.engine_process import KEY, EngineProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE: Final = Path(__file__).parent
NODE: Final = shutil.which("node")
MODULES: Final = HERE / "node" / "node_modules" / "@ai-sdk" / "openai"
COMPAT_PYTHON: Final = os.environ.get("VECTORGATE_COMPAT_PYTHON")
TIDES: Final = "The tides obey the moon. Sailors watch the almanac before they leave the harbour at night."
BREAD: Final = "Knead flour, water, salt and yeast. Let the dough rest until it has doubled, then bake it hot."
ANSWER: Final = {"text": f'tides.md: "{TIDES}"', "cited": ["tides.md"]}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    running = EngineProcess(tmp_path_factory.mktemp("frameworks") / "home").start()
    yield running
    running.reap()


@pytest.fixture(scope="module")
def store(engine: EngineProcess) -> str:
    with engine.client() as client:
        documents = (("tides.md", TIDES.encode()), ("bread.md", BREAD.encode()))
        file_ids = [client.files.create(file=each, purpose="assistants").id for each in documents]
        found = client.vector_stores.create(name="two").id
        client.vector_stores.file_batches.create_and_poll(found, file_ids=file_ids)
        return found


def answers(command: list[str], engine: EngineProcess, store: str) -> Any:
    """Run a client, and return the document of the last line that it prints."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(  # noqa: S603 - our own scripts
        [*command, f"{engine.base}/v1", store],
        env={**kept, "VECTORGATE_KEY": KEY},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.mark.skipif(COMPAT_PYTHON is None, reason="VECTORGATE_COMPAT_PYTHON names no interpreter with the frameworks")
@pytest.mark.parametrize("framework", ["openai_agents", "langchain", "pydantic_ai", "llama_index", "litellm"])
def test_a_frameworks_sample_answers_from_the_documents(framework: str, engine: EngineProcess, store: str) -> None:
    command = [str(COMPAT_PYTHON), str(HERE / "framework_client.py"), framework]
    assert answers(command, engine, store) == [ANSWER, ANSWER]


@pytest.mark.skipif(NODE is None, reason="node is not installed")
@pytest.mark.skipif(not MODULES.exists(), reason="npm's packages are not installed: npm ci in tests/compat/node")
def test_the_samples_of_npms_packages_answer_from_the_documents(engine: EngineProcess, store: str) -> None:
    seen = answers([str(NODE), str(HERE / "node" / "responses.mjs")], engine, store)
    assert seen == {"openai_node": [ANSWER] * 3, "ai_sdk": [ANSWER] * 2}
