"""SnapStart: Lambda's own runtime starts a function, a snapshot is taken, and a copy of it answers."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import openai
import pytest

from tests.fakes.aws_endpoint import AwsEndpoint
from tests.fakes.clock import FakeClock
from tests.fakes.lambda_runtime import FakeRuntimeApi
from tests.fakes.secret_source import FakeSecretSource
from tests.harnesses.stream_function import EVENT
from vectorgate.admin.master_key import MasterKey
from vectorgate.auth.authenticate import key_id_of
from vectorgate.auth.token_bucket import TokenBucket
from vectorgate.entrypoints import snapshots
from vectorgate.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harnesses.gateway import Connect, GatewayHarness

ROOT = Path(__file__).parents[3]
READ = {
    **EVENT,
    "rawPath": "/v1/vector_stores",
    "headers": {"authorization": "Bearer sk-unknown"},
    "requestContext": {"http": {"method": "GET", "path": "/v1/vector_stores"}},
    "body": None,
}


@contextmanager
def started(api: FakeRuntimeApi, aws: AwsEndpoint, function: str, *command: str) -> Iterator[subprocess.Popen[str]]:
    """Start a function as Lambda does for a snapshot."""
    folder = ROOT / "functions" / function
    environment = {
        "AWS_LAMBDA_RUNTIME_API": api.address,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
        "AWS_REGION": "eu-central-1",
        "_HANDLER": "app.handler",
        "LAMBDA_TASK_ROOT": str(folder),
        "PYTHONPATH": f"{folder}:{ROOT / 'layers/core/python'}",
        "VECTORGATE_TABLE": "table",
        "VECTORGATE_SECRET_OPENAI": "secret",
        **aws.environment,
    }
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        [*command], env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_copy_of_the_snapshot_connects_and_signs_by_itself() -> None:
    command = (sys.executable, "-m", "awslambdaric", "app.handler")
    aws = AwsEndpoint(valid_s=[60, 3600])  # what the snapshot holds runs out before the copy begins
    with aws, FakeRuntimeApi(int(time.time() * 1000)) as api, started(api, aws, "api", *command):
        assert api.snapshot.wait(20)
        assert [call.action for call in aws.calls] == ["credentials"]
        api.restore.set()
        sent = api.invoke(READ)
        assert sent.answered()["statusCode"] == 401
    assert [(call.action, call.access_key) for call in aws.calls[1:]] == [("credentials", ""), ("PutItem", "VALID3600")]


def test_the_streams_own_runtime_lets_lambda_take_its_snapshot() -> None:
    command = (str(ROOT / "layers/core/stream-runtime"), sys.executable, "/var/runtime/bootstrap.py")
    aws = AwsEndpoint(valid_s=[60, 3600])
    with aws, FakeRuntimeApi(int(time.time() * 1000)) as api, started(api, aws, "stream", *command):
        assert api.snapshot.wait(20)
        api.restore.set()
        sent = api.invoke(READ)
        assert sent.prelude()["statusCode"] == 401
    assert [call.access_key for call in aws.calls] == ["", "", "VALID3600"]


class Renewed:
    """An app that counts, and clients of AWS that do."""

    count = 0

    def renew(self) -> None:
        """Count."""
        self.count += 1

    disconnect = renew


def test_two_copies_of_one_snapshot_have_other_randomness(monkeypatch: pytest.MonkeyPatch) -> None:
    app, clients = Renewed(), Renewed()
    monkeypatch.setattr(snapshots, "deployed_table", lambda: clients)
    monkeypatch.setattr(snapshots, "deployed_secrets", lambda: clients)
    monkeypatch.setattr(snapshots, "deployed_settings", lambda: Settings(table="t"))
    snapshot, drawn = random.getstate(), set()
    for _ in range(2):
        random.setstate(snapshot)
        snapshots.renewed(app)
        drawn.add(random.getrandbits(64))
    assert len(drawn) == 2
    assert (app.count, clients.count) == (2, 4)


def test_a_copy_reads_keys_and_secrets_again_and_connects_anew(harness: GatewayHarness, connect: Connect) -> None:
    client = connect(harness.key("sk-red", team="red"))
    client.vector_stores.create(name="before")
    key = harness.stores.keys.key(key_id_of("sk-red"))
    assert key is not None
    harness.stores.keys.replace_key(replace(key, blocked=True, version=2))
    client.vector_stores.create(name="cached")
    harness.gateway.renew()
    with pytest.raises(openai.PermissionDeniedError):
        client.vector_stores.create(name="after")
    connect(harness.key("sk-blue", team="blue")).vector_stores.create(name="after")
    assert harness.secret_source.readings == 2


def test_a_copy_reads_the_master_key_again() -> None:
    source = FakeSecretSource("first")
    key = MasterKey(source, "master", FakeClock().clock())
    assert key.current().reveal() == "first"
    source.text = "second"
    key.renew()
    assert key.current().reveal() == "second"


def test_a_rate_is_not_used_up_by_a_clock_that_is_set_back() -> None:
    time = FakeClock()
    bucket = TokenBucket(time.clock(), burst=2, per_second=1)
    time.skip(-3600)
    assert [bucket.try_acquire() for _ in range(2)] == [True, True]
