"""Make `openapi.json` from the operation tables.

::

    document.py      the whole document: info, security, components, and the paths of both API surfaces
    paths.py         one operation of OpenAI's API: parameters, body, responses
    search.py        one operation of Azure AI Search
    administration*  the routes of the admin app
    requests.py      JSON schemas of the request models, with what their validators check
    answers.py       JSON schemas of what is answered
    error_codes.py   what the codes of errors mean

The document says what the tables say, in their order; nothing in it depends on the machine or on the time.
"""
