"""The gateway as a Lambda function, invoked through the AWS SDK: no HTTP, the same checks, records and costs.

Needs:   pip install boto3
Reads:   VECTORGATE_API_KEY (sk-1234), and boto3's own settings. A deployment needs the permission lambda:InvokeFunction
         on `vectorgate-invoke`. Local mode (`make run`) serves the same API to the access key that it made:
             export AWS_ENDPOINT_URL_LAMBDA=http://127.0.0.1:4000 AWS_DEFAULT_REGION=us-east-1
             export AWS_SHARED_CREDENTIALS_FILE=.vectorgate/aws-credentials
Run it:  python examples/boto3_invoke.py
"""

import json
import os
import uuid
from typing import Any

import boto3
from botocore.config import Config

API_KEY = os.environ.get("VECTORGATE_API_KEY", "sk-1234")
# boto3 repeats an invocation that times out: the idempotency key below is what makes that one store.
client = boto3.client("lambda", config=Config(read_timeout=60))


def call(operation: str, **payload: Any) -> dict[str, Any]:
    """The body of one operation's answer. RuntimeError with the message of a refusal."""
    said = {"operation": operation, "api_key": API_KEY, **payload}
    answer = client.invoke(FunctionName="vectorgate-invoke", Payload=json.dumps(said))
    result = json.loads(answer["Payload"].read())
    if answer.get("FunctionError") or result["status"] >= 400:
        raise RuntimeError(json.dumps(result))
    return dict(result["body"])


key = f"example-{uuid.uuid4()}"
store = call("vector_stores.create", body={"name": "Almanac"}, idempotency_key=key, end_user="customer-42")
again = call("vector_stores.create", body={"name": "Almanac"}, idempotency_key=key, end_user="customer-42")
print(f"{store['id']}, and again {again['id']}")

for each in call("vector_stores.list", query={"limit": 10})["data"]:
    print(f"{each['id']} {each['name']}")

call("vector_stores.delete", vector_store_id=store["id"])
