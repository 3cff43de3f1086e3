"""The embedded upstream: an OpenAI-compatible vector store engine on SQLite, in a process of its own.

Reading order: ``app`` (routes) -> ``files`` / ``stores`` / ``attachments`` / ``batches`` (what a request does) ->
``worker`` (what happens afterwards) -> ``extract`` / ``chunk`` / ``embed`` / ``index`` / ``search`` (retrieval).
"""
