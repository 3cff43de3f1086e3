"""The HTTP entry point: API Gateway HTTP API, payload format 2.0, all paths but the admin app's."""

from vectorgate.bootstrap import deployed_gateway, deployed_settings
from vectorgate.entrypoints.lambda_http import HttpFunction

handler = HttpFunction(deployed_gateway, deployed_settings, prepare=deployed_gateway)
