"""The Python SDK: the operations of `vectorgate.api.operations` as methods, in a synchronous and an awaited form.

::

    vector_stores, file_batches, ...   the methods a caller sees: parameters in, a flow out (sync_async.py: two of each)
    calls.py  attempts.py              one operation's flow: destination -> attempt -> result, or a pause and again
    routing.py  destinations.py        which destination a call has, and how its request looks there. Pure
    retry.py                           when an attempt may be repeated. Pure
    streams.py                         the events of a streamed response, as they arrive
    flow.py  drivers.py                the steps of a flow, and the two drivers that take them
    sender.py  transport.py            the only I/O: one attempt over an httpx client, and the SDK's own such client
    authorizers.py                     what an authorizer before the gateway asks for
    lambda_signer.py                   AWS's signatures, by boto3

Importing this package imports neither httpx nor boto3; the first call does.
"""
