"""The watched folder as a source of objects: in local mode what the bucket is in a deployment.

::

    <folder>/<sender>/<store name or id>/.../report.pdf      as s3://<bucket>/<sender>/<store>/.../report.pdf
"""

from __future__ import annotations

import mimetypes
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, Final

from local.mistakes import CannotStart, one_line
from vectorgate.ingest.object_key import MAX_KEY_BYTES
from vectorgate.ingest.ports import SourceUnavailable, StoredObject

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from vectorgate.ingest.model import ObjectLocation

BUCKET: Final = "watched-folder"
_PREFIX: Final = "user."
_OPEN_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Folder:
    """`Objects`: regular files below a root. Links are not followed, so that nothing outside of it is ever read."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def versions(self) -> dict[str, str]:
        """The version of each file by its key. SourceUnavailable.

        Hidden files, links and names that are not UTF-8 are left out. So is what lies deeper than a key is long: a
        sender must not be able to exhaust the walk.
        """
        found: dict[str, str] = {}
        deepest = len(os.fsencode(self._root)) + MAX_KEY_BYTES
        for folder, names, files in os.walk(self._root, onerror=_unreachable):
            names[:] = sorted(name for name in names if not name.startswith(".") and len(os.fsencode(folder)) < deepest)
            for name in sorted(files):
                path = os.path.join(folder, name)  # noqa: PTH118 - os.walk names files by text
                version = _version_at(path)
                if version is not None and not name.startswith("."):
                    found[os.path.relpath(path, self._root).replace(os.sep, "/")] = version
        self._check_root()
        return found

    def open(self, place: ObjectLocation, version: str | None) -> StoredObject | None:
        """The file, if it still has that version (None: any); None if not. SourceUnavailable."""
        try:
            descriptor = self._descriptor(place.key.split("/"))
        except FileNotFoundError:
            self._check_root()
            return None
        except OSError as error:
            raise SourceUnavailable(f"{type(error).__name__} at a file of the watched folder") from error
        stream = os.fdopen(descriptor, "rb")
        try:
            state = os.fstat(descriptor)
            if not stat.S_ISREG(state.st_mode) or (version is not None and _version_of(state) != version):
                stream.close()
                return None
            return self._object(place.key, stream, state)
        except BaseException:
            stream.close()
            raise

    def _check_root(self) -> None:
        """A folder that was renamed or is not mounted is not one in which all files were removed. SourceUnavailable."""
        if not self._root.is_dir():
            raise SourceUnavailable("the watched folder does not exist")

    def _object(self, key: str, stream: BinaryIO, state: os.stat_result) -> StoredObject:
        return StoredObject(
            size=state.st_size,
            version=_version_of(state),
            content_type=mimetypes.guess_type(key)[0],
            metadata=_attributes(stream.fileno()),
            tags={},
            stream=stream,
        )

    def _descriptor(self, segments: list[str]) -> int:
        """Open one segment after the other: a link that replaced a folder in the meantime is not followed either."""
        if any(segment in {"", ".", ".."} or "\0" in segment for segment in segments):
            raise FileNotFoundError
        parent = os.open(
            self._root.resolve(), _OPEN_FLAGS | os.O_DIRECTORY
        )  # the root may be a link: the operator set it
        try:
            for segment in segments[:-1]:
                inner = os.open(segment, _OPEN_FLAGS | os.O_DIRECTORY, dir_fd=parent)
                os.close(parent)
                parent = inner
            return os.open(segments[-1], _OPEN_FLAGS, dir_fd=parent)
        finally:
            os.close(parent)


def watched_folder(root: Path, senders: Iterable[str], home: Path) -> Folder:
    """The folder, which is made if it is absent, with a folder for each sender as far as that can be made. CannotStart.

    It may not contain the data folder `home`, with its credentials, unless that is hidden.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        with os.scandir(root):
            pass
    except OSError as error:
        raise CannotStart(f"VECTORGATE_INGEST cannot be used: {one_line(error)}") from None
    inside = home.resolve().relative_to(root.resolve()).parts if home.resolve().is_relative_to(root.resolve()) else None
    if inside is not None and not any(part.startswith(".") for part in inside):
        raise CannotStart("VECTORGATE_INGEST cannot be used: the data folder VECTORGATE_HOME is in it")
    for sender in senders:
        with suppress(OSError, ValueError):  # its user can make it later
            (root / sender).mkdir(exist_ok=True)
    return Folder(root)


def _version_at(path: str) -> str | None:
    try:
        state = os.lstat(path)
        path.encode()
    except (OSError, UnicodeEncodeError):
        return None
    return _version_of(state) if stat.S_ISREG(state.st_mode) else None


def _version_of(state: os.stat_result) -> str:
    return f"{state.st_mtime_ns:x}-{state.st_size:x}-{state.st_ino:x}"


def _attributes(descriptor: int) -> dict[str, str]:
    """The extended attributes `user.*`, where the file system has them: a folder's object metadata."""
    if not hasattr(os, "listxattr"):
        return {}
    try:
        names = [name for name in os.listxattr(descriptor) if name.startswith(_PREFIX)]
        return {name.removeprefix(_PREFIX): os.getxattr(descriptor, name).decode("utf-8", "replace") for name in names}
    except OSError:
        return {}


def _unreachable(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):  # a folder that was removed in the meantime
        raise SourceUnavailable(f"{type(error).__name__} at the watched folder") from error


def written_ns(version: str) -> int:
    """When that version of a file was written, in nanoseconds of Unix time; negative before 1970."""
    return int(version.rsplit("-", 2)[0], 16)
