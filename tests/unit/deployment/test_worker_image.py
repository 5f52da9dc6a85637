"""The worker's image on its way: what is built, what it is called in ECR, when it is pushed."""

import base64
import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from docker.errors import APIError, ImageNotFound

from system import engine
from system.deployment import cli, image, registry, steps
from system.deployment.steps import Target
from system.engine import EngineError

IDENT = "sha256:" + "0123456789abcdef" * 4
ADDRESS = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/art-worker:0123456789abcdef"
AWS = Target(None, "eu-west-1", "art")


class NotThereError(Exception):
    pass


class FakeEcr:
    """ECR with at most one repository."""

    exceptions = SimpleNamespace(
        RepositoryNotFoundException=NotThereError, ImageNotFoundException=NotThereError
    )

    def __init__(self, log, repository=True):
        self.log, self.repository, self.tags = log, repository, set()

    def describe_repositories(self, repositoryNames):  # noqa: N803 (boto3's)
        if not self.repository:
            raise NotThereError
        return {"repositories": repositoryNames}

    def describe_images(self, repositoryName, imageIds):  # noqa: N803 (boto3's)
        if imageIds[0]["imageTag"] not in self.tags:
            raise NotThereError
        return {"imageDetails": [repositoryName]}

    def get_authorization_token(self):
        self.log.append("token")
        token = base64.b64encode(b"AWS:secret").decode()
        return {"authorizationData": [{"authorizationToken": token}]}

    def get_caller_identity(self):
        return {"Account": "123456789012"}


class FakeEngine:
    """An engine that builds and pushes in no time."""

    def __init__(self, log, ecr=None, failure=None):
        self.log, self.ecr, self.failure = log, ecr, failure
        self.images = self.api = self
        self.id = IDENT

    def get(self, name):
        if name == "missing:1":
            raise ImageNotFound("no such image")
        return self

    def pull(self, name, platform):
        raise APIError(f"pull {name} {platform}", explanation="no way to the registry")

    def run(self, base, command, **options):
        self.log.append(("run", base, options["platform"]))
        return json.dumps([3, 12, "aarch64"]).encode()

    @property
    def containers(self):
        return self

    def build(self, **options):
        self.log.append(("build", options["tag"], options["buildargs"], options["platform"]))
        lines = [{"stream": "Step 1\n"}]
        return [*lines, {"error": self.failure}] if self.failure else lines

    def tag(self, repository, tag):
        self.log.append(("tag", f"{repository}:{tag}"))

    def push(self, repository, tag, auth_config, **_):
        self.log.append(("push", f"{repository}:{tag}", auth_config["username"]))
        if self.failure:
            return [{"status": "Preparing"}, {"error": self.failure}]
        self.ecr.tags.add(tag)
        return [{"status": "Pushed"}]

    def close(self):
        self.log.append("close")


@pytest.fixture
def log():
    return []


@pytest.fixture
def ecr(log, monkeypatch):
    found = FakeEcr(log)
    monkeypatch.setattr(Target, "client", lambda *_: found)
    return found


@pytest.fixture
def docker_engine(log, ecr, monkeypatch):
    found = FakeEngine(log, ecr)
    monkeypatch.setattr(engine, "connect", lambda *_: found)
    return found


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    folder = tmp_path / "given"
    folder.mkdir()
    folder.joinpath("some-1-py3-none-any.whl").write_bytes(b"wheel")
    monkeypatch.setattr(image, "WHEELS", tmp_path / "taken")
    return folder


def test_wheels_that_are_handed_in_are_built_in_and_nothing_is_downloaded(
    docker_engine, wheels, log, tmp_path
):
    assert image.build("mine", "base:1", "linux/arm64", wheels=wheels) == IDENT
    assert [p.name for p in (tmp_path / "taken").iterdir()] == ["some-1-py3-none-any.whl"]
    assert ("build", "mine", {"BASE_IMAGE": "base:1"}, "linux/arm64") in log
    assert log[-1] == "close"


def test_a_folder_without_wheels_is_refused(docker_engine, wheels):
    next(wheels.iterdir()).unlink()
    with pytest.raises(EngineError, match="There are no wheels"):
        image.build(wheels=wheels)


def test_pip_chooses_for_the_base_s_python_and_machine_not_for_its_own(
    docker_engine, wheels, monkeypatch
):
    commands = []
    monkeypatch.setattr(image, "_pip", commands.append)
    image.build()
    check, download = commands
    for command in commands:
        assert command[command.index("--python-version") + 1] == "3.12"
        assert "--platform=manylinux_2_28_aarch64" in command
        assert "--only-binary=:all:" in command
    assert "check_torch.py" in check[1]  # before gigabytes of CUDA come
    assert [word for word in download if word.startswith("torch==")]


def test_a_base_that_cannot_be_pulled_is_named_with_the_way_out(docker_engine):
    with pytest.raises(EngineError, match=r"missing:1 cannot be pulled.*no way.*--base"):
        image.build(base="missing:1")


def test_a_build_that_fails_shows_its_last_lines(docker_engine, wheels):
    docker_engine.failure = "returned a non-zero code: 1"
    with pytest.raises(EngineError, match=r"non-zero code: 1\nStep 1"):
        image.build(wheels=wheels)


def test_the_image_is_pushed_under_the_name_of_its_content_with_ecr_s_token(
    docker_engine, ecr, log
):
    found = registry.Registry(AWS)
    assert found.address(IDENT) == ADDRESS
    found.push(IDENT)
    assert ("tag", ADDRESS) in log
    assert ("push", ADDRESS, "AWS") in log
    log.clear()
    found.push(IDENT)  # it is there: tags never move
    assert log == []


def test_a_push_that_fails_says_why(docker_engine, ecr):
    docker_engine.failure = "denied"
    with pytest.raises(EngineError, match=r"cannot be pushed to .*: denied"):
        registry.Registry(AWS).push(IDENT)


class FakeTerraform:
    def __init__(self, log, ecr):
        self.log, self.ecr = log, ecr

    def apply(self):
        self.log.append("apply")
        self.ecr.repository = True

    def plan(self):
        return ""

    def outputs(self):
        return {"buckets": {}, "distribution_id": "E1", "web_url": "https://page"}


@pytest.fixture
def deploy(docker_engine, ecr, log, monkeypatch):
    """``deploy(*options)`` with everything but the image's way faked."""
    monkeypatch.setattr(
        image, "build", lambda **options: log.append(("built", options.get("platform"))) or IDENT
    )

    def prepared(target, address, *, live_events):
        assert not live_events
        log.append(("terraform for", address))
        return FakeTerraform(log, ecr)

    monkeypatch.setattr(cli, "prepared", prepared)
    monkeypatch.setattr(cli, "web_address", lambda *_: "https://page")
    for name in ("upload_files", "first_ledger", "invalidate"):
        monkeypatch.setattr(steps, name, lambda *_: 0)

    def run(*options):
        done = CliRunner().invoke(cli.deploy, ["--name", "art", "--region", "eu-west-1", *options])
        assert done.exit_code == 0, done.output
        return [entry for entry in log if entry[0] in {"built", "terraform for", "push", "a"}]

    return run


def test_the_first_deployment_pushes_into_the_repository_that_it_makes(deploy, ecr):
    ecr.repository = False
    assert deploy() == [
        ("built", "linux/amd64"), ("terraform for", ADDRESS), "apply", ("push", ADDRESS, "AWS"),
    ]  # fmt: skip


def test_a_later_one_pushes_before_tasks_are_told_to_run_it(deploy):
    assert deploy() == [
        ("built", "linux/amd64"), ("terraform for", ADDRESS), ("push", ADDRESS, "AWS"), "apply",
    ]  # fmt: skip


def test_an_image_that_is_named_is_neither_built_nor_pushed(deploy):
    assert deploy("--image", "mine:1") == [("terraform for", "mine:1"), "apply"]


def test_on_an_emulator_an_image_is_built_when_asked_for_and_never_pushed(deploy, log):
    there = ("--endpoint-url", "http://127.0.0.1:1")
    assert deploy(*there) == [("terraform for", ""), "apply"]
    log.clear()
    assert deploy(*there, "--build-image") == [
        ("built", None), ("terraform for", "nst-worker"), "apply",
    ]  # fmt: skip


def test_a_plan_builds_what_it_names_and_pushes_nothing(deploy):
    assert deploy("--plan") == [("built", "linux/amd64"), ("terraform for", ADDRESS)]
