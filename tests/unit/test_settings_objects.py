"""Settings that are S3 objects."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.helpers.template import FUNCTIONS, TEMPLATE, resolved, statements, variables
from vectorgate import settings
from vectorgate.aws.client import MAX_BYTES, stored_text

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET: Final = "team-settings"
PRICES, SENDERS = (f"s3://{BUCKET}/vectorgate/{name}.json" for name in ("prices", "senders"))
GIVEN: Final = {"PricesObject": PRICES, "IngestSendersObject": SENDERS}


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """A bucket; the returned objects are put into it by the test."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        objects = {
            PRICES: b"[ ]",
            SENDERS: '{"red": "t\u00eaam"}'.encode(),
            f"s3://{BUCKET}/long": b" " * (MAX_BYTES + 1),
        }
        for url, content in objects.items():
            client.put_object(Bucket=BUCKET, Key=url.removeprefix(f"s3://{BUCKET}/"), Body=content)
        yield objects


def test_a_function_reads_prices_and_senders_from_the_objects_that_the_stack_names(put: dict[str, bytes]) -> None:
    environment = settings.with_objects(variables("Ingest", GIVEN), stored_text)
    read = settings.read(environment)
    assert read.prices == put[PRICES].decode()
    assert read.senders == {"red": "t\u00eaam"}


@pytest.mark.usefixtures("put")
def test_an_object_that_is_too_long_or_not_there_stops_the_start() -> None:
    with pytest.raises(ValueError, match="more than"):
        stored_text(f"s3://{BUCKET}/long")
    with pytest.raises(ClientError):
        settings.with_objects({"VECTORGATE_PRICES": f"s3://{BUCKET}/nothing"}, stored_text)


def test_a_stack_without_objects_reads_none() -> None:
    for name in FUNCTIONS:
        environment = variables(name, {"Prices": "[]"})
        assert settings.with_objects(environment, pytest.fail) == environment


def test_each_role_may_read_the_objects_that_its_function_is_given_and_no_others() -> None:
    for name in FUNCTIONS.keys() - {"ReleaseCheck"}:  # which charges nothing, and reads settings of its own
        given = {url for url in (PRICES, SENDERS) if url in variables(name, GIVEN).values()}
        rights = [each for each in statements(f"{name}Role") if each["Sid"] in ("ReadPrices", "ReadSenders")]
        assert {each["Action"] for each in rights} <= {"s3:GetObject"}
        named = {each["Resource"]["Fn::Sub"][1]["Object"]["Fn::Select"][1]["Fn::Split"][1]["Ref"] for each in rights}
        assert {GIVEN[parameter] for parameter in named} == given
    assert not [each for each in statements("ReleaseCheckRole") if each["Sid"].startswith("Read")]


def test_the_parameters_take_objects_and_no_patterns() -> None:
    for parameter in GIVEN:
        pattern = TEMPLATE["Parameters"][parameter]["AllowedPattern"]
        assert re.fullmatch(pattern, GIVEN[parameter])
        for wrong in ("s3://bucket", "s3://bucket/*", "https://bucket/key", "s3:///key"):
            assert not re.fullmatch(pattern, wrong)
        assert resolved({"Ref": parameter}, {}) == ""
