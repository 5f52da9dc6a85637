"""Lambda over HTTP, as boto3 uses it: what its tests share."""

import io
import json
import zipfile

CODE = """
import os
def handler(event, context):
    print("hello from", event.get("n"))
    if event.get("fail"):
        raise ValueError("no")
    if event.get("context"):
        return {"custom": context.client_context.custom, "env": context.client_context.env}
    return {"event": event, "id": context.aws_request_id, "arn": context.invoked_function_arn,
            "version": context.function_version, "pid": os.getpid()}
"""


def archive(code):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as zipped:
        zipped.writestr("app.py", code)
    return held.getvalue()


def call(client, name, payload=None, **more):
    answer = client("lambda").invoke(
        FunctionName=name, Payload=json.dumps(payload or {}).encode(), **more
    )
    return answer, answer["Payload"].read()


def code_of(error):
    return error.value.response["Error"]["Code"]
