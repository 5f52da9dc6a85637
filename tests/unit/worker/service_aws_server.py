"""S3 (path style) and Step Functions over HTTP for one test: the fakes behind a loopback port."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from botocore.exceptions import ClientError

from tests.unit.worker.service_fakes import BUCKET, TASK_ARN, FakeS3, FakeStates

_STATES = {
    "AWSStepFunctions.SendTaskSuccess": "send_task_success",
    "AWSStepFunctions.SendTaskFailure": "send_task_failure",
    "AWSStepFunctions.SendTaskHeartbeat": "send_task_heartbeat",
}


class AwsServer:
    """Serves ``s3`` and ``states``, and the container's metadata below ``/metadata``."""

    def __init__(self, s3: FakeS3, states: FakeStates) -> None:
        handler = type("Handler", (_Handler,), {"s3": s3, "states": states})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    s3: FakeS3
    states: FakeStates

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path == "/metadata/task":
            self._answer(200, json.dumps({"TaskARN": TASK_ARN}).encode())
            return
        self._s3(lambda key: self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def do_HEAD(self):
        self._s3(lambda key: self.s3.head_object(Bucket=BUCKET, Key=key) and b"")

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._s3(lambda key: self.s3.put_object(Bucket=BUCKET, Key=key, Body=body) and b"")

    def do_POST(self):
        params = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        call = getattr(self.states, _STATES[self.headers["X-Amz-Target"]])
        try:
            call(**params)
        except ClientError as error:
            self._answer(400, json.dumps({"__type": error.response["Error"]["Code"]}).encode())
        else:
            self._answer(200, b"{}")

    def _s3(self, call):
        key = unquote(urlsplit(self.path).path).removeprefix(f"/{BUCKET}/")
        try:
            self._answer(200, call(key), ETag='"x"')
        except ClientError:
            self._answer(404, b"<Error><Code>NoSuchKey</Code><Message>no</Message></Error>")

    def _answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
