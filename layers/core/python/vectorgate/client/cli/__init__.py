"""The command line: `vectorgate keys list`, `vectorgate doctor`, ... It needs the extra `cli`.

::

    main.py        the commands' names, their modules, and what a failure becomes
    commands.py    what every command has: the gateway, the format, an example
    session.py     one run: the gateway's routes, the output, questions to the user
    exits.py       the exit codes
    output/        columns, and rows as a table, JSON or CSV
    keys.py ...    one module a group of commands
    doctor/        the checks of `vectorgate doctor`

A command's module is imported when it is needed, and httpx, pydantic, rich and boto3 when a command uses them.
"""
