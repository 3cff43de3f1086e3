"""Keys, budgets and spend, for the holder of the master key. Its role writes what the api function may only read."""

from vectorgate.bootstrap import deployed_admin
from vectorgate.entrypoints.lambda_http import HttpFunction

handler = HttpFunction(deployed_admin)
