"""The worker's image in ECR: what it is called there, whether it is there, and how it gets there.

The engine gets ECR's token with the push itself; no file keeps it, as ``docker login`` would.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from system import engine, stack
from system.deployment import image
from system.deployment.steps import Target
from system.engine import EngineError

TAG_DIGITS = 16


class Registry:
    """The repository ``NAME-worker`` of the target's account, which Terraform makes."""

    def __init__(self, target: Target) -> None:
        self._ecr = target.client("ecr")
        self._name = f"{target.name}-worker"
        account = str(target.client("sts").get_caller_identity()["Account"])
        self._host = f"{account}.dkr.ecr.{target.region}.amazonaws.com"

    def address(self, image_id: str) -> str:
        """What an image is called there: its content is its tag, since tags never move."""
        return f"{self._host}/{self._name}:{_tag(image_id)}"

    def ready(self) -> bool:
        """Whether the repository is there; the first deployment makes it."""
        try:
            self._ecr.describe_repositories(repositoryNames=[self._name])
        except self._ecr.exceptions.RepositoryNotFoundException:
            return False
        return True

    def push(self, image_id: str) -> None:
        """Push the image unless it is there; raises EngineError."""
        if self._has(_tag(image_id)):
            return
        token = self._ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
        user, _, password = base64.b64decode(token).decode().partition(":")
        repository, _, tag = self.address(image_id).rpartition(":")
        client = engine.connect()
        try:
            client.images.get(image_id).tag(repository, tag)
            said = client.api.push(
                repository,
                tag=tag,
                auth_config={"username": user, "password": password},
                stream=True,
                decode=True,
            )
            image.follow(said, f"The image cannot be pushed to {repository}")
        finally:
            client.close()

    def _has(self, tag: str) -> bool:
        try:
            self._ecr.describe_images(repositoryName=self._name, imageIds=[{"imageTag": tag}])
        except self._ecr.exceptions.ImageNotFoundException:
            return False
        return True


@dataclass(frozen=True)
class WorkerImage:
    """The image of a deployment; ``registry`` None leaves it where the engine has it."""

    ident: str
    registry: Registry | None

    @property
    def address(self) -> str:
        """What the task definition calls it."""
        return image.TAG if self.registry is None else self.registry.address(self.ident)

    def can_be_pushed(self) -> bool:
        """Whether there is a repository already."""
        return self.registry is not None and self.registry.ready()

    def push(self) -> None:
        """Push it, unless it is there or stays here; raises EngineError."""
        if self.registry is not None:
            self.registry.push(self.ident)


def built(target: Target, say: image.Say, *, asked: bool) -> WorkerImage | None:
    """Build the image for AWS, or, when ``asked``, for an emulator; else None.

    An emulator's registry holds no images: its tasks take theirs from the engine.
    """
    if target.endpoint_url is not None:
        return WorkerImage(image.build(say=say), None) if asked else None
    architecture = stack.declaration()["task"]["architecture"]
    ident = image.build(platform=image.PLATFORMS[architecture], say=say)
    return WorkerImage(ident, Registry(target))


def _tag(image_id: str) -> str:
    digits = image_id.removeprefix("sha256:")
    if len(digits) < TAG_DIGITS:
        raise EngineError(f"{image_id!r} is not the id of an image.")
    return digits[:TAG_DIGITS]
