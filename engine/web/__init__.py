"""The engine's HTTP API, on Starlette: requests to calls of the operations, results and errors to responses."""
