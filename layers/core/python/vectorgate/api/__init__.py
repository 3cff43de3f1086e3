"""The API as clients see it: operations, requests and responses, validation, errors."""
