"""Local mode: the deployed functions' own handlers on one machine, with SQLite for DynamoDB and threads for streams."""
