"""What importing loads, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).parents[3] / "layers/core/python"
HEAVY = ("boto3", "botocore", "httpx", "httpcore", "anyio", "asyncio", "pydantic", "ssl", "openai")
PROBE = """
import json, sys
before = set(sys.modules)
{code}
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def probe(code: str) -> list[str]:
    """The modules that running the code imports. Their time is a figure of `make bench`."""
    command = [sys.executable, "-W", "error", "-c", PROBE.format(code=code)]
    done = subprocess.run(command, env={"PYTHONPATH": str(SOURCE)}, capture_output=True, check=True)  # noqa: S603
    modules: list[str] = json.loads(done.stdout)
    return modules


def test_importing_the_package_imports_next_to_nothing() -> None:
    modules = probe("import vectorgate")
    assert [name for name in modules if name.startswith("vectorgate")] == ["vectorgate", "vectorgate.version"]
    assert not set(HEAVY) & set(modules)


@pytest.mark.parametrize(
    "code", ["import vectorgate; vectorgate.vector_stores.create", "import vectorgate.client.client"]
)
def test_reaching_for_the_operations_loads_no_network_stack_and_no_aws(code: str) -> None:
    modules = probe(code)
    assert not {"boto3", "botocore", "httpx", "httpcore", "anyio", "openai"} & set(modules)


def test_a_mock_response_needs_no_network_stack() -> None:
    modules = probe("import vectorgate; vectorgate.vector_stores.create(mock_response=dict(id='vs_1'))")
    assert not {"boto3", "httpx", "httpcore", "anyio"} & set(modules)


def test_errors_can_be_caught_without_loading_the_operations() -> None:
    modules = probe("from vectorgate import NotFoundError, APIError")
    assert "vectorgate.api.operations" not in modules


def test_a_call_over_http_imports_httpx_and_not_boto3() -> None:
    code = """
import vectorgate
try: vectorgate.vector_stores.list(api_base="http://127.0.0.1:9", api_key="k", max_retries=0)
except vectorgate.APIConnectionError as error: pass
"""
    modules = probe(code)
    assert {"httpcore", "httpx"} <= set(modules)
    assert not {"boto3", "botocore"} & set(modules)


def test_without_boto3_the_error_of_a_function_s_call_names_what_to_install() -> None:
    code = """
import sys
sys.modules["boto3"] = sys.modules["botocore"] = None
import vectorgate
client = vectorgate.Client(function="vectorgate-invoke", api_key="sk-1")
try: client.vector_stores.list()
except vectorgate.SettingsError as error: assert "pip install boto3" in str(error), error
else: raise AssertionError("it was sent")
"""
    assert "vectorgate.client.lambda_signer" in probe(code)


def test_the_public_names_are_there() -> None:
    import vectorgate  # noqa: PLC0415 - what is under test

    found: dict[str, Any] = {name: getattr(vectorgate, name) for name in dir(vectorgate)}
    assert found.keys() >= {"vector_stores", "files", "Client", "APIError", "NotFoundError", "__version__"}
    assert vectorgate.vector_stores is found["vector_stores"]
    with pytest.raises(AttributeError, match="nothing_like_it"):
        vectorgate.nothing_like_it  # type: ignore[attr-defined]  # noqa: B018 - the access is what is tested
