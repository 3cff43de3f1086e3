"""The gateway as a function that is invoked: `boto3.client("lambda").invoke(FunctionName=..., Payload=...)`.

::

    payload  -> payload.read    strictly, to the request that an HTTP client would have made
             -> Gateway.handle  the same descent, the same rows
             -> answer.write    {"status", "headers", "body"}
"""
