"""The HTTP server of local mode: an ASGI application on uvicorn, around handlers that block.

==================  =================================================================================================
``listening``       the socket, uvicorn's settings, and what happens at SIGTERM
``protocol``        HTTP/1.1: uvicorn's, with deadlines, limits, and errors in the envelope of all others
``head_with_body``  an answer's first two writes as one
``connections``     how many there may be, and which one gives way to a new one
``exchange``        one request as the application sees it, and its event
``bodies``          a request's body: in memory, or on disk if it is large
``callers``         whose request it is, for the shares
``threads``         the threads that handlers run in, of which no caller can take all
``streams``         an answer that is produced while it is sent
``answers``         an answer on its way, whole or in pieces
``refusals``        errors of the server's own
``invoking``        the Invoke API, called with a request that was read
``app``             the application: health, the Invoke API, the admin's paths, and everything else
==================  =================================================================================================
"""
