"""The destinations' names: in settings, queues and `POST /health/services`."""

from __future__ import annotations

from typing import Final

EVENTBRIDGE: Final = "eventbridge"
OTEL: Final = "otel"
S3: Final = "s3"
SLACK: Final = "slack"
WEBHOOK: Final = "webhook"
NAMES: Final = (EVENTBRIDGE, OTEL, S3, SLACK, WEBHOOK)
IN_ORDER: Final = frozenset({OTEL, SLACK, WEBHOOK})  # events and objects have no order
