"""The embedded engine: an OpenAI-compatible vector store engine, in a process of its own.

Reading order: `web` (HTTP to calls) -> `files`, `stores`, `attachments`, `batches`, `uploads`, `search`, `responses`
(what a request does) -> `worker` (what happens afterwards) -> `extraction`, `chunking` (text to chunks). All of them
reach what is outside through `ports`; `adapters` implement these on SQLite, a folder and wordllama; `bootstrap` puts it
together.
"""
