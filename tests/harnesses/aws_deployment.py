"""template.yaml deployed on the emulated AWS as `sam build && sam package && sam deploy` does.

The stack differs from the template: its providers and its bucket may be plain http, because both are on loopback; team
red may ingest; and what the emulator does not know is said in another way (emulated_template.py). The code is what
`make` built into .build/host: by the same Makefiles as `sam build`, for this machine and its Python.
"""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

from samtranslator.yaml_helper import yaml_parse

from tests.harnesses.aws_stack import BUCKET, BUILT, REGION, ROOT, SENDERS, STACK, UPSTREAM_KEY, Stack, eventually
from tests.harnesses.emulated_template import emulated
from tests.harnesses.emulator_gaps import complete

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harnesses.aws_stack import Emulator


def deploy(aws: Emulator, provider_url: str, name: str = STACK, **parameters: str) -> Stack:
    """Deploy the template as a stack of that name whose provider is the upstream."""
    template = packaged(aws, yaml_parse((ROOT / "template.yaml").read_text()))
    template["Globals"]["Function"]["Environment"]["Variables"]["VECTORGATE_PLAIN_HTTP"] = "1"
    del template["Resources"]["IngestBucketPolicy"]
    stacks = aws.client("cloudformation")
    template = emulated(template)
    aws.client("s3").put_object(Bucket=BUCKET, Key="template.json", Body=json.dumps(template).encode())
    stacks.create_stack(
        StackName=name,
        TemplateURL=f"{aws.url}/{BUCKET}/template.json",  # a template in the request may have 50 KB
        Parameters=[
            {"ParameterKey": "IngestSenders", "ParameterValue": json.dumps(SENDERS)},
            {"ParameterKey": "StreamingUrl", "ParameterValue": "on"},
            *({"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()),
        ],
        Capabilities=["CAPABILITY_IAM"],
    )

    def deployed() -> dict[str, Any] | None:
        stack: dict[str, Any] = stacks.describe_stacks(StackName=name)["Stacks"][0]
        if stack["StackStatus"] == "CREATE_IN_PROGRESS":
            return None
        if stack["StackStatus"] == "CREATE_COMPLETE":
            return stack
        events = stacks.describe_stack_events(StackName=name)["StackEvents"]
        raise AssertionError([event["ResourceStatusReason"] for event in events if event.get("ResourceStatusReason")])

    outputs = {out["OutputKey"]: out["OutputValue"] for out in eventually(deployed, 60, "the stack")["Outputs"]}
    complete(aws, name, template, {key: each["Default"] for key, each in template["Parameters"].items()} | parameters)
    secret = json.dumps({"type": "openai", "base_url": provider_url, "api_key": UPSTREAM_KEY})
    aws.client("secretsmanager").put_secret_value(SecretId=outputs["OpenAISecretId"], SecretString=secret)
    return Stack(aws, outputs)


def packaged(aws: Emulator, template: dict[str, Any]) -> dict[str, Any]:
    """Put each built folder into S3, and its URL in place of the local path, as `sam package` does."""
    bucket = aws.client("s3")
    with contextlib.suppress(bucket.exceptions.BucketAlreadyOwnedByYou):
        bucket.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    for name, resource in template["Resources"].items():
        place = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}
        if resource["Type"] in place:
            bucket.put_object(Bucket=BUCKET, Key=f"{name}.zip", Body=zipped(BUILT / name))
            resource["Properties"][place[resource["Type"]]] = f"s3://{BUCKET}/{name}.zip"
    return template


def zipped(folder: Path) -> bytes:
    """Return a folder as a zip archive."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                out.write(path, path.relative_to(folder))
    return archive.getvalue()
