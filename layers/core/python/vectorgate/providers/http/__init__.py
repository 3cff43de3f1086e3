"""The egress.

==============  ================================================================================
``transport``   the gateway's: one provider's request, one `Outcome`, over connections that are kept
``http1``       one connection, and an exchange over it
``connecting``  a new connection
``target``      where a request goes
``multipart``   a file in a form
``spooling``    an answer that is too large for memory
``streaming``   an answer that is read while it arrives
``adapter``     the SDK's: httpx's client over httpcore; ``async_adapter`` with an event loop
==============  ================================================================================
"""
