"""Frameworks that use a vector store by `file_search`: the sample of each over a store of two documents."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from openai import OpenAI

from tests.harnesses.engine_process import KEY as ENGINE_KEY
from tests.harnesses.engine_process import EngineProcess
from tests.harnesses.local_process import KEY as LOCAL_KEY
from tests.harnesses.local_process import LocalProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE: Final = Path(__file__).parent
COMPAT_PYTHON: Final = os.environ["VECTORGATE_COMPAT_PYTHON"]
TIDES: Final = "The tides obey the moon. Sailors watch the almanac before they leave the harbour at night."
BREAD: Final = "Knead flour, water, salt and yeast. Let the dough rest until it has doubled, then bake it hot."
ANSWER: Final = {"text": f'tides.md: "{TIDES}"', "cited": ["tides.md"]}


@dataclass(frozen=True)
class Place:
    """Where the API is served, and a store of two documents there."""

    url: str
    key: str
    store: str


@pytest.fixture(scope="module", params=["engine", "gateway"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The engine alone, and behind the gateway, which is local mode."""
    home = tmp_path_factory.mktemp("frameworks") / "home"
    if request.param == "gateway":
        with LocalProcess(home) as running:
            yield filled(f"{running.url}/v1", LOCAL_KEY)
    else:
        engine = EngineProcess(home).start()
        yield filled(f"{engine.base}/v1", ENGINE_KEY)
        engine.reap()


def filled(url: str, key: str) -> Place:
    """Make the store."""
    with OpenAI(api_key=key, base_url=url, max_retries=0) as client:
        documents = (("tides.md", TIDES.encode()), ("bread.md", BREAD.encode()))
        file_ids = [client.files.create(file=each, purpose="assistants").id for each in documents]
        store = client.vector_stores.create(name="two").id
        client.vector_stores.file_batches.create_and_poll(store, file_ids=file_ids)
        return Place(url, key, store)


def answers(command: list[str], place: Place) -> Any:
    """Run a client, and return the document of the last line that it prints."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(  # noqa: S603 - our own scripts
        [*command, place.url, place.store],
        env={**kept, "VECTORGATE_KEY": place.key, "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.mark.parametrize("framework", ["openai_agents", "langchain", "pydantic_ai", "llama_index", "litellm"])
def test_a_frameworks_sample_answers_from_the_documents(framework: str, place: Place) -> None:
    command = [COMPAT_PYTHON, str(HERE / "framework_client.py"), framework]
    assert answers(command, place) == [ANSWER, ANSWER]


def test_the_samples_of_npms_packages_answer_from_the_documents(place: Place) -> None:
    seen = answers(["node", str(HERE / "node" / "responses.mjs")], place)
    assert seen == {"openai_node": [ANSWER] * 3, "ai_sdk": [ANSWER] * 2}
