"""Every file of examples/ run as a user runs it. The one for Node is run by tests/compat (`make compat`)."""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
import httpx2
import pytest
from moto import mock_aws

from tests.fakes.clock import FakeClock
from tests.harnesses.local_process import KEY, ROOT, LocalProcess
from tests.helpers.state_machine import ExecutionFailed, run
from vectorgate.clock import Random
from vectorgate.entrypoints.invoke import payload as invoke_payload
from vectorgate.exports.lines import PREFIX
from vectorgate.exports.record import FIGURES, LISTS, TEXTS, check_record
from vectorgate.ingest import messages
from vectorgate.ingest.model import AttachRequested, CreateRequested

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES: Final = ROOT / "examples"
MACHINE: Final[dict[str, Any]] = json.loads((EXAMPLES / "step_functions.json").read_text("utf-8"))
AWS: Final = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_DEFAULT_REGION": "us-east-1"}
FOUND: Final = r"0\.\d\d tides\.md: The tides obey the moon\."


def ran(local_mode: LocalProcess, *command: str, base: str = "/v1") -> str:
    """What an example prints that is started by that command, against local mode."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    mine = {
        "PYTHONPATH": os.pathsep.join([str(ROOT / "layers/core/python"), *sys.path]),
        "VECTORGATE_BASE_URL": local_mode.url + base,
        "VECTORGATE_API_KEY": KEY,
        "AWS_ENDPOINT_URL_LAMBDA": local_mode.url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_SHARED_CREDENTIALS_FILE": str(local_mode.home / "aws-credentials"),
        "NO_PROXY": "*",
    }
    done = subprocess.run(  # noqa: S603 - our own examples
        command, env={**kept, **mine}, cwd=EXAMPLES, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def http(local_mode: LocalProcess) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=f"{local_mode.url}/v1", headers={"authorization": f"Bearer {KEY}"}) as client:
        yield client


@pytest.fixture(autouse=True)
def leaves_nothing_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """An example that ran against local mode has deleted its stores."""
    yield
    if "local_mode" in request.fixturenames:
        local_mode = request.getfixturevalue("local_mode")
        answer = httpx2.get(f"{local_mode.url}/v1/vector_stores", headers={"authorization": f"Bearer {KEY}"})
        assert [store["name"] for store in answer.json()["data"] if store["name"] != "demo"] == []


def test_openais_python_client(local_mode: LocalProcess) -> None:
    assert re.match(FOUND, ran(local_mode, sys.executable, "openai_python.py"))


def test_a_question_is_answered_from_a_store(local_mode: LocalProcess) -> None:
    text, cited = ran(local_mode, sys.executable, "responses.py").splitlines()
    assert text.startswith('tides.md: "The tides obey the moon.')
    assert cited == "cited: tides.md"


def test_the_sdk(local_mode: LocalProcess) -> None:
    created, found, refused = ran(local_mode, sys.executable, "sdk.py", base="").splitlines()
    assert re.fullmatch(r"vs_\w+ cost \$0(\.0+)?, record \S+", created)
    assert re.match(FOUND, found)
    assert refused.startswith("404: ")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl(local_mode: LocalProcess) -> None:
    created, found = ran(local_mode, "/bin/sh", "curl.sh").splitlines()
    assert re.fullmatch(r"store: vs_\w+", created)
    assert "The tides obey the moon." in json.loads(found)["data"][0]["content"][0]["text"]


def test_boto3_invokes_the_function(local_mode: LocalProcess) -> None:
    created, *listed = ran(local_mode, sys.executable, "boto3_invoke.py").splitlines()
    store, again = re.findall(r"vs_\w+", created)
    assert store == again
    assert f"{store} Almanac" in listed


@mock_aws()  # type: ignore[untyped-decorator]
def test_events_are_what_the_ingest_function_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in AWS.items():
        monkeypatch.setenv(name, text)
    events, sqs = boto3.client("events"), boto3.client("sqs")
    events.create_event_bus(Name="vectorgate")
    queue = sqs.create_queue(QueueName="ingest")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    events.put_rule(Name="ingest", EventBusName="vectorgate", EventPattern='{"source": ["com.example.crm"]}')
    events.put_targets(
        Rule="ingest", EventBusName="vectorgate", Targets=[{"Id": "queue", "Arn": attributes["QueueArn"]}]
    )
    runpy.run_path(str(EXAMPLES / "eventbridge.py"))["main"]("file-abc123")
    received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    create, attach = sorted(
        (event for message in received for event in messages.read_events(json.loads(message["Body"]))),
        key=lambda event: type(event).__name__,
        reverse=True,
    )
    assert isinstance(create, CreateRequested)
    assert (create.source, create.body["name"]) == ("com.example.crm", "product-docs")
    assert isinstance(attach, AttachRequested)
    assert (attach.source, attach.name, attach.file_id) == ("com.example.crm", "product-docs", "file-abc123")


def invoke(local_mode: LocalProcess, function: str, payload: dict[str, Any]) -> Any:
    """The function's result, through Lambda's API."""
    access_key, secret = local_mode.access_key()
    client = boto3.client(
        "lambda",
        endpoint_url=local_mode.url,
        region_name="us-east-1",
        aws_access_key_id=access_key,
        aws_secret_access_key=secret,
    )
    return json.loads(client.invoke(FunctionName=function, Payload=json.dumps(payload))["Payload"].read())


def test_a_state_machine_creates_attaches_and_waits(local_mode: LocalProcess, http: httpx2.Client) -> None:
    file = http.post("/files", data={"purpose": "assistants"}, files={"file": ("tides.md", b"The tides.")}).json()
    said = {"key": KEY, "name": "product-docs", "file": file["id"]}
    attached = run(MACHINE, said, lambda *call: invoke(local_mode, *call), name="execution-1")
    assert (attached["id"], attached["status"]) == (file["id"], "completed")
    assert http.delete(f"/vector_stores/{attached['vector_store_id']}").is_success


def test_a_state_machine_ends_at_a_refusal(local_mode: LocalProcess) -> None:
    with pytest.raises(ExecutionFailed, match="Incorrect API key"):
        run(
            MACHINE,
            {"key": "sk-nobody", "name": "product-docs", "file": "file-abc123"},
            lambda *call: invoke(local_mode, *call),
            name="execution-2",
        )


@pytest.mark.parametrize("status", [429, 503])
def test_a_state_machine_repeats_what_may_be_repeated_and_names_the_execution(status: int) -> None:
    said: list[dict[str, Any]] = []
    answers = [status, 200, status, 200, status, 200]

    def answer(function: str, payload: dict[str, Any]) -> dict[str, Any]:
        assert function == "vectorgate-invoke"
        said.append(payload)
        body = {"id": "vs_1", "status": "completed"}
        return {"status": answers[len(said) - 1], "headers": {}, "body": body}

    assert run(MACHINE, {"key": KEY, "name": "n", "file": "file-1"}, answer, name="execution-3")["id"] == "vs_1"
    verbs = ["create", "create", "files.create", "files.create", "files.retrieve", "files.retrieve"]
    assert [payload["operation"].removeprefix("vector_stores.") for payload in said] == verbs
    assert {payload.get("idempotency_key") for payload in said[:2]} == {"execution-3"}
    for payload in said:
        invoke_payload.read(payload, trusts_invoker=False, invocation_id=None)


def test_every_state_is_reached_from_another_and_leads_somewhere() -> None:
    states = MACHINE["States"]
    named = set(re.findall(r'"(?:Next|Default|StartAt)": "([^"]+)"', json.dumps(MACHINE)))
    assert named == states.keys()


def test_athena_sql_names_fields_of_a_record_and_reads_them_where_they_are_put() -> None:
    text = (EXAMPLES / "athena.sql").read_text("utf-8")
    columns = re.findall(
        r"(\w+) (?:string|bigint|int|array<string>|map<string,int>)(?=[,\n]|$)", text.partition("\n)")[0]
    )
    always = check_record(FakeClock().clock(), Random(lambda bits: 1 << (bits - 1))).keys()
    assert len(columns) == len(set(columns)) == 30
    assert set(columns) <= always | {*TEXTS, *FIGURES, *LISTS, "tool_calls"}
    assert f"s3://BUCKET/{PREFIX}/day=${{day}}/" in text


def test_every_example_is_listed_and_says_what_it_needs() -> None:
    page = (EXAMPLES / "README.md").read_text("utf-8")
    files = sorted(path.name for path in EXAMPLES.iterdir() if path.is_file() and path.name != "README.md")
    assert sorted(re.findall(r"\]\(([^)]+)\)", page)) == files
    for name in files:
        text = (EXAMPLES / name).read_text("utf-8")
        assert "Needs:" in text, name


def test_every_example_is_run_by_a_test() -> None:
    elsewhere = ("tests/compat/test_examples.py", "tests/e2e/test_ingest.py")
    tests = Path(__file__).read_text("utf-8") + "".join((ROOT / path).read_text("utf-8") for path in elsewhere)
    for path in EXAMPLES.iterdir():
        assert path.name == "README.md" or path.name in tests, path.name
