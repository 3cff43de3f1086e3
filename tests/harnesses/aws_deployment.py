"""template.yaml deployed on the emulated AWS as `sam build && sam package && sam deploy` does.

The stack differs from the template: its providers and its buckets may be plain http, because both are on loopback; team
red may ingest; and what the emulator does not know is said in another way (emulated_template.py). The code is what
`make` built into .build/host: by the same Makefiles as `sam build`, for this machine and its Python.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

from tests.harnesses.aws_stack import BUCKET, BUILT, REGION, ROOT, SENDERS, STACK, UPSTREAM_KEY, Stack, eventually
from tests.harnesses.emulated_template import emulated
from tests.harnesses.emulator_gaps import complete
from tests.helpers.sam import nested_in, read

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harnesses.aws_stack import Emulator


class NotUpdated(Exception):
    """A stack could not be created or updated, and is as it was: for which reasons."""


def deploy(aws: Emulator, provider_url: str, name: str = STACK, **parameters: str) -> Stack:
    """Deploy the template as a stack of that name whose provider is the upstream."""
    template = prepared(aws)
    given = {"IngestSenders": json.dumps(SENDERS), "StreamingUrl": "on", **parameters}
    aws.client("cloudformation").create_stack(
        StackName=name,
        TemplateURL=stored(aws, template),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    outputs = finished(aws, name, "CREATE")
    complete(aws, name, template, {key: each["Default"] for key, each in template["Parameters"].items()} | given)
    secret = json.dumps({"type": "openai", "base_url": provider_url, "api_key": UPSTREAM_KEY})
    aws.client("secretsmanager").put_secret_value(SecretId=outputs["OpenAISecretId"], SecretString=secret)
    return Stack(aws, outputs)


def update(aws: Emulator, name: str, template_url: str, **parameters: str) -> Stack:
    """Update a stack to a template that is stored. Parameters that are not given keep the values that it has."""
    stacks = aws.client("cloudformation")
    known = stacks.get_template_summary(TemplateURL=template_url)["Parameters"]
    has = {each["ParameterKey"] for each in stacks.describe_stacks(StackName=name)["Stacks"][0]["Parameters"]}
    kept = has & {each["ParameterKey"] for each in known} - parameters.keys()
    stacks.update_stack(
        StackName=name,
        TemplateURL=template_url,
        Parameters=[
            *({"ParameterKey": key, "UsePreviousValue": True} for key in sorted(kept)),
            *({"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()),
        ],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    return Stack(aws, finished(aws, name, "UPDATE"))


def finished(aws: Emulator, name: str, kind: str) -> dict[str, str]:
    """Wait until a stack is created or updated, and return its outputs. NotUpdated."""
    stacks = aws.client("cloudformation")

    def done() -> dict[str, Any] | None:
        stack: dict[str, Any] = stacks.describe_stacks(StackName=name)["Stacks"][0]
        if stack["StackStatus"].endswith("_IN_PROGRESS"):
            return None
        if stack["StackStatus"] == f"{kind}_COMPLETE":
            return stack
        events = stacks.describe_stack_events(StackName=name)["StackEvents"]
        raise NotUpdated([event["ResourceStatusReason"] for event in events if event.get("ResourceStatusReason")])

    return {out["OutputKey"]: out["OutputValue"] for out in eventually(done, 300, "the stack")["Outputs"]}


def prepared(aws: Emulator, built: Path = BUILT) -> dict[str, Any]:
    """Return the template as the emulator deploys it, with its code in S3. `built`: the folder of its parts."""
    template = packaged(aws, read(ROOT / "template.yaml"), built)
    return ready(template, has_code_deploy=aws.minute is not None)


def ready(template: dict[str, Any], *, has_code_deploy: bool = False) -> dict[str, Any]:
    """Return what the emulator deploys of a template whose code is packaged."""
    template["Globals"]["Function"]["Environment"]["Variables"]["VECTORGATE_PLAIN_HTTP"] = "1"
    for policy in ("IngestBucketPolicy", "ExportBucketPolicy"):
        del template["Resources"][policy]
    return emulated(template, has_code_deploy=has_code_deploy)


def stored(aws: Emulator, template: dict[str, Any]) -> str:
    """Put a template and those that it nests into S3, and return its URL: in a request, one may have 50 KB."""
    template = copy.deepcopy(template)
    for properties in nested_in(template):
        properties["TemplateURL"] = stored(aws, properties["TemplateURL"])
    content = json.dumps(template).encode()
    key = f"{digest(content)}.json"
    aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=content)
    return f"{aws.url}/{BUCKET}/{key}"


def digest(content: bytes) -> str:
    """Return a name for a content."""
    return hashlib.sha256(content).hexdigest()[:32]


def packaged(aws: Emulator, template: dict[str, Any], built: Path = BUILT) -> dict[str, Any]:
    """Put each built folder into S3, and its URL in place of the local path, as `sam package` does."""
    bucket = aws.client("s3")
    with contextlib.suppress(bucket.exceptions.BucketAlreadyOwnedByYou):
        bucket.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    for name, resource in template["Resources"].items():
        place = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}
        if resource["Type"] in place:
            assert (built / name).is_dir(), f"{name} is not built: run `make e2e`"
            content = zipped(built / name)
            key = f"{name}-{digest(content)}.zip"  # so that what changed is another template, and what did not the same
            bucket.put_object(Bucket=BUCKET, Key=key, Body=content)
            resource["Properties"][place[resource["Type"]]] = f"s3://{BUCKET}/{key}"
    return template


def zipped(folder: Path) -> bytes:
    """Return a folder as a zip archive."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                out.write(path, path.relative_to(folder))
    return archive.getvalue()
