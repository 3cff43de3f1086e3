"""`python -m vectorgate.client.ingest PATH --store NAME`."""

import sys

from vectorgate.client.ingest.cli import main

sys.exit(main())
