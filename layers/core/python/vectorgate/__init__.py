"""vectorgate: a gateway in front of other people's vector stores.

Start at `gateway.py` (the path of a request, one screen) and `operations.py` (the table of what it speaks).
Importing the package, or any module of it, does nothing: no client, no environment, no clock.
"""
