"""`vectorgate doctor`: what is wrong with a deployment, and what to do about it.

::

    outside.py     over HTTP, with the URL and a key: any deployment, also local mode
    inside.py      on AWS, by the stack's outputs and resources
    check.py       one finding
    command.py     the command
"""
