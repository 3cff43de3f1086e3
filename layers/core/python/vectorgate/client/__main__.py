"""`python -m vectorgate.client`: the command line, where the package is not installed."""

import sys

from vectorgate.client.command import main

sys.exit(main())
