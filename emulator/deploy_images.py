"""Deploys the repository of the worker's image, as ``terraform/modules/nst_service`` does."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

Call = Callable[[str, str, dict[str, Any]], Awaitable[dict[str, Any]]]


async def deploy_repository(call: Call, name: str, images_kept: int) -> None:
    """A repository whose tags cannot be moved and whose old images go; raises AwsError."""
    await call(
        "ecr",
        "CreateRepository",
        {
            "repositoryName": name,
            "imageTagMutability": "IMMUTABLE",
            "imageScanningConfiguration": {"scanOnPush": True},
        },
    )
    await call(
        "ecr",
        "PutLifecyclePolicy",
        {"repositoryName": name, "lifecyclePolicyText": json.dumps(lifecycle(images_kept))},
    )


def lifecycle(images_kept: int) -> dict[str, Any]:
    """Untagged images go after a day; of the others the newest stay."""
    return {
        "rules": [
            {
                "rulePriority": 1,
                "description": "Untagged images",
                "selection": {
                    "tagStatus": "untagged",
                    "countType": "sinceImagePushed",
                    "countUnit": "days",
                    "countNumber": 1,
                },
                "action": {"type": "expire"},
            },
            {
                "rulePriority": 2,
                "description": "All but the newest",
                "selection": {
                    "tagStatus": "any",
                    "countType": "imageCountMoreThan",
                    "countNumber": images_kept,
                },
                "action": {"type": "expire"},
            },
        ]
    }
