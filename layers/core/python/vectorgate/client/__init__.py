"""The Python SDK: the operations of `vectorgate.api.operations` as methods, in a waiting and an awaited form.

::

    vector_stores, file_batches, ...   the methods a caller sees: parameters in, a flow out (faces.py makes two of each)
    calls.py                           one operation's flow: destination -> attempt -> answer, or pause and again
    destinations.py  retry.py          what a request looks like there; when it may be repeated. Pure
    exchange.py                        the steps of a flow, and the two drivers that take them
    http.py  function.py               the only I/O: connections, and AWS's signature

Importing this package imports neither a network stack nor boto3; the first call does.
"""
