"""Files, through the real client over a real socket."""

import httpx
import pytest
from openai import BadRequestError, NotFoundError, OpenAI

from engine.demo import DEMO


def test_a_file_comes_back_as_it_was_sent(client: OpenAI) -> None:
    data = bytes(range(256)) * 5000
    file = client.files.create(file=("data.bin", data), purpose="vision")
    assert (file.bytes, file.filename, file.purpose, file.status) == (len(data), "data.bin", "vision", "processed")
    assert file.id.startswith("file-")
    assert len(file.id) == len("file-") + 24
    assert client.files.retrieve(file.id) == file
    assert client.files.content(file.id).read() == data


@pytest.mark.parametrize("purpose", ["assistants", "user_data"])
def test_what_a_model_reads_is_not_downloadable(client: OpenAI, purpose: str) -> None:
    file = client.files.create(file=("a.txt", b"x"), purpose=purpose)  # type: ignore[arg-type]
    with pytest.raises(BadRequestError, match=f"Not allowed to download files of purpose: {purpose}"):
        client.files.content(file.id)


def test_an_expiry_is_counted_from_creation(client: OpenAI) -> None:
    file = client.files.create(
        file=("a.txt", b"x"), purpose="user_data", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    assert file.expires_at == file.created_at + 3600


def test_batch_input_expires_after_30_days_by_itself(client: OpenAI) -> None:
    file = client.files.create(file=("a.jsonl", b"{}"), purpose="batch")
    assert file.expires_at == file.created_at + 30 * 86_400


def test_a_deleted_file_is_gone(client: OpenAI) -> None:
    file = client.files.create(file=b"x", purpose="assistants")
    assert file.filename == "upload"
    assert client.files.delete(file.id).deleted
    with pytest.raises(NotFoundError, match=f"No such File object: {file.id}"):
        client.files.retrieve(file.id)


def test_the_list_filters_by_purpose(client: OpenAI) -> None:
    evals = client.files.create(file=("e.jsonl", b"{}"), purpose="evals")
    assert [file.id for file in client.files.list(purpose="evals")] == [evals.id]


def test_the_demo_files_are_there_under_their_ids(client: OpenAI) -> None:
    assert {file_id: client.files.retrieve(file_id).filename for file_id in DEMO} == DEMO


def upload(http: httpx.Client, **form: str) -> httpx.Response:
    return http.post("/files", data=form, files={"file": ("a.txt", b"hello")})


def error(response: httpx.Response) -> tuple[int, str | None, str | None]:
    found = response.json()["error"]
    return response.status_code, found["code"], found["param"]


def test_forms_are_checked(http: httpx.Client) -> None:
    anchor, seconds = "expires_after[anchor]", "expires_after[seconds]"
    assert error(upload(http)) == (400, "missing_required_parameter", "purpose")
    assert error(upload(http, purpose="mischief")) == (400, "invalid_value", "purpose")
    assert error(upload(http, purpose="vision", colour="red")) == (400, "unknown_parameter", "colour")
    short = {"purpose": "vision", anchor: "created_at", seconds: "60"}
    assert error(upload(http, **short)) == (400, "integer_below_min_value", "expires_after.seconds")
    long = {**short, seconds: "2592001"}
    assert error(upload(http, **long)) == (400, "integer_above_max_value", "expires_after.seconds")
    words = {**short, seconds: "soon"}
    assert error(upload(http, **words)) == (400, "invalid_type", "expires_after.seconds")
    half = {"purpose": "vision", anchor: "created_at"}
    assert error(upload(http, **half)) == (400, "missing_required_parameter", "expires_after.seconds")


def test_a_form_without_a_file_is_refused(http: httpx.Client) -> None:
    assert error(http.post("/files", files={"purpose": (None, "vision")})) == (
        400,
        "missing_required_parameter",
        "file",
    )


def test_the_order_of_fields_does_not_matter(http: httpx.Client) -> None:
    first = http.post("/files", files=[("purpose", (None, "vision")), ("file", ("a.txt", b"x"))])
    last = http.post("/files", files=[("file", ("a.txt", b"x")), ("purpose", (None, "vision"))])
    assert (first.status_code, last.status_code) == (200, 200)


def test_a_file_name_is_never_a_path(http: httpx.Client) -> None:
    response = http.post("/files", data={"purpose": "vision"}, files={"file": ("../../etc/passwd", b"x")})
    assert response.json()["filename"] == "passwd"


BOUNDARY = {"Content-Type": "multipart/form-data; boundary=b"}
PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhello'


@pytest.mark.parametrize(
    "body",
    [
        PART,
        b"no boundary at all",
        b"",
        b"--b\r\n" + b"X" * 100_000 + b": y\r\n\r\n",
        b'--b\r\nContent-Disposition: form-data; name="n"\r\n\r\n' + b"x" * 100_000 + b"\r\n--b--\r\n",
        PART + b"\r\n" + PART + b"\r\n--b--\r\n",
        PART.replace(b'"file"', b'"other"') + b"\r\n--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="n"\r\n\r\n\r\n' * 50 + b"--b--\r\n",
    ],
    ids=["cut", "none", "empty", "header", "field", "two", "named", "many"],
)
def test_broken_forms_are_the_callers_error(http: httpx.Client, body: bytes) -> None:
    response = http.post("/files", content=body, headers=BOUNDARY)
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(("length", "status"), [(1, 200), (80, 200), (200, 200), (201, 400), (5_000, 400), (0, 400)])
def test_a_boundary_has_up_to_two_hundred_characters(http: httpx.Client, length: int, status: int) -> None:
    boundary = "-" * length
    purpose = f'--{boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nvision\r\n'.encode()
    content = purpose + PART.replace(b"--b", f"--{boundary}".encode()) + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    assert http.post("/files", content=content, headers=headers).status_code == status


def test_an_upload_is_not_json(http: httpx.Client) -> None:
    assert error(http.post("/files", json={}))[:2] == (400, "unsupported_content_type")
