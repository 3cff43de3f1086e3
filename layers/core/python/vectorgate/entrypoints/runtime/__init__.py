"""A Lambda runtime that streams responses, which Lambda's own for Python cannot.

`AWS_LAMBDA_EXEC_WRAPPER` has Lambda start it in place of its own. Protocol:
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
"""
