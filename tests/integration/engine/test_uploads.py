"""Uploads in parts."""

import hashlib
from typing import Any

import pytest
from openai import BadRequestError, NotFoundError, OpenAI

PARTS = [b"first " * 1000, b"second " * 1000, b"third"]
WHOLE = b"".join(PARTS)


def start(client: OpenAI, size: int = len(WHOLE)) -> str:
    return client.uploads.create(bytes=size, filename="a.bin", mime_type="text/plain", purpose="vision").id


def test_parts_become_a_file_in_the_order_given(client: OpenAI) -> None:
    upload = start(client)
    sent = [client.uploads.parts.create(upload, data=part).id for part in reversed(PARTS)]
    done = client.uploads.complete(upload, part_ids=sent[::-1], md5=hashlib.md5(WHOLE).hexdigest())  # noqa: S324
    assert done.status == "completed"
    assert done.file
    assert (done.file.bytes, done.file.filename) == (len(WHOLE), "a.bin")
    assert client.files.content(done.file.id).read() == WHOLE
    with pytest.raises(BadRequestError, match="is completed"):
        client.uploads.parts.create(upload, data=b"late")


def test_what_does_not_add_up_is_refused(client: OpenAI) -> None:
    upload = start(client, 5)
    part = client.uploads.parts.create(upload, data=b"12345").id
    foreign = client.uploads.parts.create(start(client), data=b"12345").id
    for bad in ({"part_ids": [part, part]}, {"part_ids": [foreign]}, {"part_ids": [part], "md5": "0" * 32}):
        with pytest.raises(BadRequestError) as refusal:
            client.uploads.complete(upload, **bad)
        assert refusal.value.code == "invalid_value"
    short = start(client, 6)
    with pytest.raises(BadRequestError, match="5 bytes, but 6 were announced"):
        client.uploads.complete(short, part_ids=[client.uploads.parts.create(short, data=b"12345").id])


def test_an_empty_file_comes_in_parts_too(client: OpenAI) -> None:
    upload = start(client, 0)
    done = client.uploads.complete(upload, part_ids=[client.uploads.parts.create(upload, data=b"").id])
    assert done.file
    assert done.file.bytes == 0


def test_a_cancelled_or_unknown_upload_takes_nothing(client: OpenAI) -> None:
    upload = start(client)
    assert client.uploads.cancel(upload).status == "cancelled"
    with pytest.raises(BadRequestError, match="is cancelled"):
        client.uploads.complete(upload, part_ids=["part_x"])
    with pytest.raises(NotFoundError, match="No such Upload object"):
        client.uploads.cancel("upload_x")


def test_an_hour_later_it_is_gone(clocked: Any) -> None:
    upload = start(clocked.client)
    clocked.client.uploads.parts.create(upload, data=b"12345")
    folder = clocked.service.engine.blobs._files
    assert len(list(folder.iterdir())) == 1
    clocked.clock[0] += 3600
    with pytest.raises(BadRequestError, match="is expired"):
        clocked.client.uploads.cancel(upload)
    clocked.later(0)
    assert list(folder.iterdir()) == []
