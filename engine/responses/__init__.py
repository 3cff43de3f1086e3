"""The Responses API over the engine's stores: file_search for real, answered in quotations.

Reading order: `request` (what a client may send) -> `items`, `context`, `tools` (what it means) -> `drafts` (a Response
object) -> `turn` (search, quote, finish) -> `events` (the same as a stream) -> `operations` (what a request does),
`background` (what is done later). The one model, `embedded-extractive`, quotes passages and writes nothing
(`passages`); `tokens` counts what it read and answered.
"""
