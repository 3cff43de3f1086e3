"""What AWS starts: one module for each Lambda function, whose `functions/<name>/app.py` imports its ready handler."""
