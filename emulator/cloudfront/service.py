"""CloudFront on the bus: distributions, their policies, functions and tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from emulator.cloudfront.distributions import Distributions, Invalidate
from emulator.cloudfront.distributions import arn as distribution_arn
from emulator.cloudfront.functions import Functions
from emulator.cloudfront.functions import arn as function_arn
from emulator.cloudfront.policies import CACHE, KINDS, RESPONSE_HEADERS, Policies
from emulator.cloudfront.records import Record
from emulator.core.bus import Caller
from emulator.core.clock import Clock
from emulator.core.errors import AwsError, NotSupported
from emulator.core.timings import FAST, Timings


class Load(Protocol):
    """How a distribution reaches the edge.

    ``functions``: live code by function ARN; policies' configurations are by id. Raises AwsError
    at once to refuse a configuration; what it takes counts ``after_s`` later.
    """

    def __call__(
        self,
        distribution_id: str,
        config: Mapping[str, Any],
        *,
        functions: Mapping[str, str],
        header_policies: Mapping[str, Mapping[str, Any]],
        cache_policies: Mapping[str, Mapping[str, Any]],
        after_s: float,
    ) -> None:
        """Serve it."""


Remove = Callable[[str, float], None]
TAGS_MAX = 50


class CloudFrontService:
    """The control plane; ``load``, ``remove`` and ``invalidate`` reach the edge that serves.

    ``timings`` says how long that takes now.
    """

    def __init__(
        self,
        clock: Clock,
        load: Load,
        remove: Remove,
        invalidate: Invalidate,
        timings: Callable[[], Timings] = lambda: FAST,
    ) -> None:
        self._load, self._remove = load, remove
        self._timings = timings
        self._live: dict[str, str] = {}
        self._distributions = Distributions(clock, self._serve, invalidate, timings)
        in_use = self._distributions.names
        self._functions = Functions(clock, in_use, self._published)
        self._policies = {kind: Policies(kind, clock, in_use) for kind in KINDS}
        self._operations = {
            **dict(self._distributions.operations()),
            **dict(self._functions.operations()),
            **{k: v for p in self._policies.values() for k, v in p.operations()},
            "ListTagsForResource": self._list_tags,
            "TagResource": self._tag,
            "UntagResource": self._untag,
        }

    async def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:  # noqa: ARG002
        """Answer one API call; raises AwsError, NotSupported for what there is not."""
        found = self._operations.get(operation)
        if found is None:
            raise NotSupported(f"cloudfront:{operation}")
        try:
            answer = found(params)
        except KeyError as error:
            raise AwsError("InvalidArgument", f"{error.args[0]} is missing.") from error
        if operation in {f"Update{CACHE.name}", f"Update{RESPONSE_HEADERS.name}"}:
            self._distributions.reserve()
        return answer

    def _serve(self, distribution_id: str, config: Mapping[str, Any] | None) -> None:
        after_s = self._timings().of("distribution_change")
        if config is None:
            self._remove(distribution_id, after_s)
            return
        headers, caches = (
            {r.id: r.config for r in self._policies[kind].records}
            for kind in (RESPONSE_HEADERS, CACHE)
        )
        self._load(
            distribution_id,
            config,
            functions=self._live,
            header_policies=headers,
            cache_policies=caches,
            after_s=after_s,
        )

    def _published(self, arn: str, code: str | None) -> None:
        if code is None:
            self._live.pop(arn, None)
            return
        self._live[arn] = code
        if self._distributions.names(arn):
            self._distributions.reserve()

    def _tagged(self, arn: str) -> Record:
        for record in self._distributions.records:
            if distribution_arn(record.id) == arn:
                return record
        for record in self._functions.records:
            if function_arn(record.id) == arn:
                return record
        raise AwsError("NoSuchResource", "The specified resource does not exist.", 404)

    def _list_tags(self, params: dict[str, Any]) -> dict[str, Any]:
        tags = self._tagged(params["Resource"]).tags
        return {"Tags": {"Items": [{"Key": k, "Value": v} for k, v in tags.items()]}}

    def _tag(self, params: dict[str, Any]) -> dict[str, Any]:
        record = self._tagged(params["Resource"])
        new = {t["Key"]: t.get("Value", "") for t in params["Tags"].get("Items", [])}
        if len({**record.tags, **new}) > TAGS_MAX:
            raise AwsError("InvalidTagging", f"At most {TAGS_MAX} tags.")
        record.tags |= new
        return {}

    def _untag(self, params: dict[str, Any]) -> dict[str, Any]:
        record = self._tagged(params["Resource"])
        for key in params["TagKeys"].get("Items", []):
            record.tags.pop(key, None)
        return {}
