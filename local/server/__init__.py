"""The HTTP server of local mode: an ASGI application on uvicorn, around handlers that block.

===============  ====================================================================================================
``listening``    the socket, uvicorn's settings, and what happens at SIGTERM
``protocol``     HTTP/1.1: uvicorn's, with deadlines, limits, and errors in the envelope of all others
``connections``  how many there may be, and which one gives way to a new one
``exchange``     one request as the application sees it, and its event
``bodies``       a request's body: in memory, or on disk if it is large
``callers``      whose request it is, for the shares
``threads``      the threads that handlers run in, of which no caller can take all
``streams``      an answer that is produced while it is sent
``app``          the application: health, the Invoke API, the admin's paths, and everything else
===============  ====================================================================================================
"""
