"""The two AWS clients of the service, and the errors that mean "no answer"."""

from __future__ import annotations

import json
from typing import Any, Protocol

import boto3
import urllib3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from worker.service.settings import Settings

METADATA_BYTES_MAX = 65_536

AwsErrors = (BotoCoreError, ClientError, HTTPClientError)
"""Whatever a client raises when a call did not succeed."""


class S3Client(Protocol):
    """The calls of boto3's S3 client that the service makes."""

    def get_object(self, **params: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html."""

    def head_object(self, **params: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html."""

    def put_object(self, **params: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html."""


class StepFunctionsClient(Protocol):
    """The calls of boto3's Step Functions client that the service makes."""

    def send_task_success(self, **params: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html."""

    def send_task_failure(self, **params: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskFailure.html."""

    def send_task_heartbeat(self, **params: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskHeartbeat.html."""


def clients(settings: Settings) -> tuple[S3Client, StepFunctionsClient]:
    """The S3 and Step Functions clients.

    boto3's clients may be shared between threads, its session may not: both are made here, once.
    Virtual addressing and the regional host are said aloud, since boto3's defaults differ by
    region; an endpoint of one's own has no host for each bucket.
    """
    config = Config(
        region_name=settings.region,
        signature_version="s3v4",
        s3={
            "addressing_style": "path" if settings.endpoint_url else "virtual",
            "us_east_1_regional_endpoint": "regional",
        },
        retries={"mode": "standard", "total_max_attempts": 3},
        connect_timeout=3,
        read_timeout=10,
        max_pool_connections=16,
    )
    session = boto3.session.Session(region_name=settings.region)
    s3: Any = session.client("s3", endpoint_url=settings.endpoint_url, config=config)
    states: Any = session.client(
        "stepfunctions",
        endpoint_url=settings.endpoint_url,
        config=config.merge(Config(signature_version="v4")),
    )
    return s3, states


def error_code(error: Exception) -> str:
    """The error code of AWS's answer; the exception's name when there was no answer."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return type(error).__name__


def task_arn(metadata_url: str) -> str:
    """The ARN of the task that this process is, from the container's metadata.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate.html

    Raises ValueError for an answer without one, urllib3's HTTPError when there is no answer.
    """
    with urllib3.PoolManager() as pool:
        answer = pool.request(
            "GET", metadata_url + "/task", timeout=2.0, retries=3, preload_content=False
        )
        body = answer.read(METADATA_BYTES_MAX)
    if answer.status != 200:  # noqa: PLR2004 (OK)
        raise ValueError(f"the container's metadata answered {answer.status}")
    document = json.loads(body)
    arn = document.get("TaskARN") if isinstance(document, dict) else None
    if not isinstance(arn, str) or not arn:
        raise ValueError("the container's metadata does not name the task")
    return arn
