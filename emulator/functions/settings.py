"""Limits and defaults of the Lambda engine.

Sources: AWS's pages "Lambda quotas" and "Lambda execution environment lifecycle".
"""

from __future__ import annotations

from dataclasses import dataclass

from emulator.core import ids


@dataclass(frozen=True)
class FunctionsSettings:
    """How functions run here.

    ``endpoint_url`` is what functions get as AWS_ENDPOINT_URL. Sizes are in bytes, times in
    seconds of the clock.
    """

    endpoint_url: str = ""
    region: str = ids.REGION
    concurrency: int = 1000
    """Executions at once in an account and region."""
    idle_s: float = 600.0
    """A sandbox without work is ended after this long; AWS does not promise a figure."""
    idle_sandboxes_max: int = 64
    """Over all functions; beyond it the sandbox that rests longest is ended."""
    sandbox_age_s_max: float = 2 * 3600.0
    """Older sandboxes are not reused, well before their credentials end."""
    credentials_s: float = 12 * 3600.0
    cold_start_s: float = 0.0
    """Before the init phase of a new sandbox that an invocation waits for."""
    init_s_max: float = 10.0
    """The init phase; when it takes longer it is started again as part of the invocation."""
    request_bytes_max: int = 6 * 1024 * 1024
    response_bytes_max: int = 6 * 1024 * 1024 + 100
    async_request_bytes_max: int = 1024 * 1024
    async_events_max: int = 10_000
    async_retries_max: int = 2
    async_retry_delays_s: tuple[float, ...] = (60.0, 120.0)
    async_event_age_s_max: float = 6 * 3600.0
    async_throttle_delay_s: float = 1.0
    """First wait after a throttle of an asynchronous event; doubles up to five minutes."""
    async_throttle_delay_s_max: float = 300.0
    unpacked_bytes_max: int = 250 * 1024 * 1024
    unpacked_files_max: int = 50_000
    private_tmp: bool = True
    """Whether each sandbox gets a /tmp of its own, where the machine lets it (Linux)."""
    memory_poll_s: float = 0.1
    log_tail_bytes: int = 4096
