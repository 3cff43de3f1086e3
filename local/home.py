"""The data folder of local mode: its lock, and the credentials that it makes for itself.

::

    lock               held while a process runs on the folder
    master-key         generated when the folder first serves more than the demo
    aws-credentials    an access key for the local Invoke API, as the AWS SDKs read a shared credentials file
    local-key          the id of the key that is master key and client key (`local.local_key`)
"""

from __future__ import annotations

import base64
import configparser
import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from local.mistakes import CannotStart, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from vectorgate.clock import Random

MASTER_KEY_FILE: Final = "master-key"
CREDENTIALS_FILE: Final = "aws-credentials"
KEY_BITS: Final = 256
ACCESS_KEY_BITS: Final = 80  # 16 characters of base 32 after the prefix, as AWS's have
_ID, _SECRET = "aws_access_key_id", "aws_secret_access_key"


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Be the only process on this folder; the lock ends with the process, however it ends. CannotStart."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = (home / "lock").open("w")
    except OSError as error:
        raise CannotStart(f"VECTORGATE_HOME cannot be used: {one_line(error)}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotStart(f"another process is running on VECTORGATE_HOME {str(home)!r}") from None
        yield


def own_master_key(home: Path, randomness: Random, *, make: bool) -> str | None:
    """The folder's master key; None where it has none and none is to be made. CannotStart."""
    path = home / MASTER_KEY_FILE
    if make or path.exists():
        key = read_or_write(path, f"sk-{_token(randomness, KEY_BITS)}\n").strip()
        if key:
            return key
        raise CannotStart(f"{MASTER_KEY_FILE} in VECTORGATE_HOME is empty: delete it to have a key generated")
    return None


def invoke_credentials(home: Path, randomness: Random) -> Mapping[str, str]:
    """The secret access keys by their ids, of every profile in the folder's file, which is made if it is absent."""
    access_key = base64.b32encode(randomness.bits(ACCESS_KEY_BITS).to_bytes(ACCESS_KEY_BITS // 8)).decode("ascii")
    fresh = f"[default]\n{_ID} = VG{access_key}\n{_SECRET} = {_token(randomness, KEY_BITS)}\n"
    text = read_or_write(home / CREDENTIALS_FILE, fresh)
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
        return {parser[profile][_ID]: parser[profile][_SECRET] for profile in parser.sections()}
    except (configparser.Error, KeyError) as error:
        raise CannotStart(f"{CREDENTIALS_FILE} in VECTORGATE_HOME cannot be read: {type(error).__name__}") from None


def read_or_write(path: Path, text: str) -> str:
    """The file's text; `text` is written first where there is no file. CannotStart."""
    try:
        if not path.exists():
            write_whole(path, text)
        return path.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise CannotStart(f"{path.name} in VECTORGATE_HOME cannot be used: {one_line(error)}") from None


def write_whole(path: Path, text: str) -> None:
    """Write or replace a file that is for its user alone: all of it or nothing. OSError."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _token(randomness: Random, bits: int) -> str:
    return base64.urlsafe_b64encode(randomness.bits(bits).to_bytes(bits // 8)).rstrip(b"=").decode("ascii")
