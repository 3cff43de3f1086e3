"""What a file may cost, and the error of one that is not acceptable."""

from typing import Final

# OpenAI takes files of five million tokens, which are fewer bytes than this even of dense text.
MAX_TEXT_BYTES: Final = 32 * 2**20
MAX_PAGES: Final = 5_000  # of a PDF; slides of a presentation
MAX_UNPACKED_BYTES: Final = 512 * 2**20  # of a document that is an archive
MAX_MEMORY: Final = 2 * 2**30
MAX_CPU_SECONDS: Final = 45
MAX_JSON_DEPTH: Final = 200


class Refused(Exception):
    """The file is not acceptable; the message says why."""
