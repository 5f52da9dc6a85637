"""What a deployment does besides Terraform: files, the first ledger, invalidation."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from system import stack, website
from system.deployment.terraform import DeploymentError

Say = Callable[[str], None]


@dataclass(frozen=True)
class Target:
    """Where to deploy: ``endpoint_url`` None is AWS, else an emulator's endpoint."""

    endpoint_url: str | None
    region: str
    name: str

    def client(self, service: str) -> Any:
        """boto3's client of ``service`` on the target."""
        import boto3  # noqa: PLC0415 (slow import)
        from botocore.config import Config  # noqa: PLC0415

        if self.endpoint_url is None:
            return boto3.client(service, region_name=self.region)
        return boto3.client(
            service,
            region_name=self.region,
            endpoint_url=self.endpoint_url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            # without: boto3 puts "sync-" before the host of StartSyncExecution
            config=Config(s3={"addressing_style": "path"}, inject_host_prefix=False),
        )

    def backend(self) -> dict[str, Any]:
        """Settings of Terraform's s3 backend; the lock is a conditional write beside the state."""
        common = {
            "bucket": f"{self.name}-terraform-state",
            "key": "nst.tfstate",
            "region": self.region,
            "use_lockfile": True,
        }
        if self.endpoint_url is None:
            return common
        flags = (
            "skip_credentials_validation",
            "skip_metadata_api_check",
            "skip_requesting_account_id",
            "skip_region_validation",
            "use_path_style",
        )
        return {
            **common,
            "endpoints": {"s3": self.endpoint_url},
            "access_key": "test",
            "secret_key": "test",
            **dict.fromkeys(flags, True),
        }


def state_bucket(target: Target) -> None:
    """Make the bucket of Terraform's state where it is missing (private, versioned)."""
    s3, bucket = target.client("s3"), target.backend()["bucket"]
    try:
        s3.head_bucket(Bucket=bucket)
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in {"404", "NoSuchBucket"}:
            raise DeploymentError(
                f"The bucket {bucket} for Terraform's state cannot be used: {error}. "
                "Choose another --name: bucket names are global on AWS."
            ) from error
        where = {} if target.region == "us-east-1" else {"LocationConstraint": target.region}
        s3.create_bucket(Bucket=bucket, **({"CreateBucketConfiguration": where} if where else {}))
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


def outputs(target: Target) -> dict[str, Any]:
    """The outputs of what is deployed, from Terraform's state, without Terraform.

    Raises DeploymentError where there is no state.
    """
    backend = target.backend()
    s3 = target.client("s3")
    try:
        state = s3.get_object(Bucket=backend["bucket"], Key=backend["key"])["Body"].read()
    except s3.exceptions.ClientError as error:
        raise DeploymentError(
            f"Nothing is deployed under the name {target.name}: its Terraform state "
            f"({backend['bucket']}/{backend['key']}) cannot be read: {error}."
        ) from error
    return {name: found["value"] for name, found in json.loads(state)["outputs"].items()}


def upload_files(target: Target, buckets: dict[str, str]) -> int:
    """Upload the website and the house styles; gives how many files."""
    s3, count = target.client("s3"), 0
    for item in website.uploads():
        s3.put_object(
            Bucket=buckets[item.bucket],
            Key=item.key,
            Body=item.path.read_bytes(),
            ContentType=item.content_type,
            CacheControl=item.cache_control,
        )
        count += 1
    return count


def first_ledger(target: Target, limit_microusd: int | None) -> str:
    """Make the ledger where there is none; gives what the function says of it."""
    payload = stack.first_budget(limit_microusd)
    answer = target.client("lambda").invoke(
        FunctionName=f"{target.name}-update-budget", Payload=json.dumps(payload).encode()
    )
    said = answer["Payload"].read().decode()
    if answer.get("FunctionError"):
        raise DeploymentError(f"The ledger could not be made: {said}")
    return str(said)


def invalidate(target: Target, distribution_id: str, reference: str) -> None:
    """Make the CDN forget the website as it was."""
    target.client("cloudfront").create_invalidation(
        DistributionId=distribution_id,
        InvalidationBatch={
            "Paths": {"Quantity": 1, "Items": ["/*"]},
            "CallerReference": reference,
        },
    )
