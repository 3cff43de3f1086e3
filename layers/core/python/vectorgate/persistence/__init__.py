"""The two adapters of every store port: DynamoDB, and SQLite for local mode and the simulation."""
