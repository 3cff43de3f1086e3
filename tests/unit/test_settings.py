"""A deployment with a missing setting does not start."""

from __future__ import annotations

from typing import Final

import pytest

from vectorgate import settings
from vectorgate.admin.repricing import MAX_DAYS
from vectorgate.clock import DAY_MS
from vectorgate.exports.worker import KEPT_MS
from vectorgate.idempotency.record import EXPLICIT_TTL_SECONDS, GRACE_SECONDS
from vectorgate.ids import ProviderName
from vectorgate.metering.model import DAY_S

FULL: Final = {
    "VECTORGATE_TABLE": "vectorgate",
    "VECTORGATE_DEFAULT_PROVIDER": "openai",
    "VECTORGATE_SECRET_OPENAI": "openai-secret",
    "VECTORGATE_SECRET_AZURE": "azure-secret",
    "VECTORGATE_MASTER_KEY_SECRET": "master-key",
    "VECTORGATE_PRICES": "[]",
    "VECTORGATE_INGEST_SENDERS": "{}",
    "VECTORGATE_INGEST_BUCKET": "bucket",
    "VECTORGATE_INGEST_BUS": "bus",
    "VECTORGATE_INGEST_QUEUE": "https://queue",
    "VECTORGATE_INGEST_FAILURES": "https://failures",
    "VECTORGATE_AWS_ENDPOINT": "http://127.0.0.1:1",
    "AWS_REGION": "eu-central-1",
}


def test_a_full_environment_is_read() -> None:
    read = settings.read(FULL)
    assert (read.table, read.master_key_secret, list(read.secrets)) == ("vectorgate", "master-key", ["openai", "azure"])


@pytest.mark.parametrize("name", FULL)
@pytest.mark.parametrize("value", ["", " ", "\t\n"], ids=repr)
def test_a_setting_that_is_there_but_empty_stops_the_start(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name):
        settings.read({**FULL, name: value})


@pytest.mark.parametrize("name", ["VECTORGATE_PLAIN_HTTP", "VECTORGATE_TRUST_INVOKER"])
@pytest.mark.parametrize("value", ["", "0", "true", "yes", "1 "])
def test_a_switch_is_off_unless_it_says_exactly_1(name: str, value: str) -> None:
    read = settings.read({**FULL, name: value})
    assert not read.plain_http
    assert not read.trust_invoker


def test_records_are_kept_for_ever_or_for_a_number_of_days_that_no_reader_exceeds() -> None:
    assert settings.read(FULL).record_days == 0
    for text in ("0", "90", "365", "9999"):
        assert settings.read({**FULL, "VECTORGATE_RECORD_DAYS": text}).record_days == int(text)
    for wrong in ("", " ", "1", "89", "-90", "90.0", "1e3", "10000", "\u0669\u0660", "ever"):
        with pytest.raises(ValueError, match="VECTORGATE_RECORD_DAYS"):
            settings.read({**FULL, "VECTORGATE_RECORD_DAYS": wrong})
    assert settings.LEAST_RECORD_DAYS * DAY_S > EXPLICIT_TTL_SECONDS + GRACE_SECONDS
    assert settings.LEAST_RECORD_DAYS * DAY_MS > KEPT_MS
    assert settings.LEAST_RECORD_DAYS > 2 * MAX_DAYS  # the whole month before


def test_a_secret_of_another_region_stops_the_start_and_one_of_this_region_does_not() -> None:
    arn = "arn:aws:secretsmanager:{}:123456789012:secret:openai-AbCdEf"
    there = {**FULL, "VECTORGATE_SECRET_OPENAI": arn.format("us-east-1")}
    with pytest.raises(ValueError, match="the secret of provider openai is in us-east-1"):
        settings.read(there)
    here = arn.format("eu-central-1")
    assert settings.read({**there, "VECTORGATE_SECRET_OPENAI": here}).secrets[ProviderName("openai")] == here
