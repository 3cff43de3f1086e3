"""What the layer has of botocore's data: enough for the functions' clients to be those of the whole."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any, Final

import botocore
import pytest
from botocore.loaders import Loader
from botocore.session import Session

from layers.deps.botocore_data import SERVICES, reduce, undocumented

DATA: Final = Path(botocore.__file__).parent / "data"
PACKAGE: Final = Path(__file__).parents[3] / "layers/core/python/vectorgate"
REGIONS: Final = ("eu-central-1", "cn-north-1")
CLIENT_OF: Final = re.compile(r'\b_?(?:aws_)?client\(\s*"([a-z0-9]+)"')


@pytest.fixture(scope="module")
def reduced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layer's data, from the services in use and one that is not."""
    data = tmp_path_factory.mktemp("botocore") / "data"
    data.mkdir()
    for file in DATA.glob("*.json"):
        shutil.copy(file, data)
    for service in (*SERVICES, "account"):
        shutil.copytree(DATA / service, data / service)
    reduce(data)
    return data


def clients(data: Path) -> list[tuple[object, ...]]:
    """What matters of each service's clients, of one session."""
    session = Session()
    session.set_credentials("a", "s")
    loader = Loader(extra_search_paths=[str(data)], include_default_search_paths=False)
    session.register_component("data_loader", loader)
    made: list[Any] = [
        session.create_client(name, region_name=region) for name in sorted(SERVICES) for region in REGIONS
    ]
    return [
        (
            each.meta.endpoint_url,
            each.meta.config.signature_version,
            each.meta.service_model.operation_names,
            [parameter.name for parameter in each.meta.service_model.client_context_parameters],
        )
        for each in made
    ]


def test_a_client_of_the_layer_is_the_one_that_botocore_makes_from_all_its_data(reduced: Path) -> None:
    assert clients(reduced) == clients(DATA)


def test_the_layer_has_no_data_of_a_service_without_a_client(reduced: Path) -> None:
    assert {each.name for each in reduced.iterdir() if each.is_dir()} == SERVICES
    assert sum(file.stat().st_size for file in reduced.rglob("*")) < 4_000_000
    named = {service for file in PACKAGE.rglob("*.py") for service in CLIENT_OF.findall(file.read_text("utf-8"))}
    assert named == SERVICES


def test_a_member_named_documentation_is_none() -> None:
    shape = {"documentation": "<p>", "members": {"documentation": {"shape": "Text", "documentation": "<p>"}}}
    emptied = {"documentation": "", "members": {"documentation": {"shape": "Text", "documentation": ""}}}
    assert undocumented([shape]) == [emptied]
