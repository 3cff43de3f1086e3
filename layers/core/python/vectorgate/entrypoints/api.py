"""The HTTP front door: API Gateway HTTP API, payload format 2.0, every path that is not the admin function's."""

from vectorgate.bootstrap import deployed_gateway
from vectorgate.entrypoints.lambda_http import HttpFunction

handler = HttpFunction(deployed_gateway)
