"""The admin app: keys, budgets and spend, under the master key. Its role may write what the api function only reads."""

from vectorgate.bootstrap import deployed_admin, deployed_admin_parts, deployed_settings
from vectorgate.entrypoints.lambda_http import HttpFunction

handler = HttpFunction(deployed_admin, deployed_settings, prepare=lambda: deployed_admin_parts()[1])
