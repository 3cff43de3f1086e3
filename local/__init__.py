"""The one-machine edition: the deployed functions' own handlers, with SQLite for DynamoDB and a loop for the stream."""
