"""What the page says when something is wrong, and that there is always a way on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner
from playwright.sync_api import Page, expect

from system.deployment import gate
from tests.browser.conftest import NewPage
from tests.browser.visit import (
    RUN_MS,
    choose,
    enter,
    long,
    paint,
    painted,
    painting_begun,
    small,
)
from tests.system.running import Running, started

Faults = Callable[..., None]


@pytest.fixture(scope="module")
def poor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A system with money for one cheap painting and no more."""
    with started(tmp_path_factory.mktemp("poor"), "--budget", "0.012") as running:
        yield running


def test_a_spent_budget_is_a_friendly_notice_and_the_studio_stays_open(
    new_page: NewPage, poor: Running
) -> None:
    page = new_page(poor)
    enter(page, poor)
    choose(page)
    small(page)
    paint(page)
    painted(page)
    other = new_page(poor)
    enter(other, poor)
    choose(other)
    small(other)
    notice = other.get_by_role("status").filter(has_text="The budget is spent")
    expect(notice).to_be_visible(timeout=RUN_MS)
    expect(notice).to_contain_text("It renews on")
    expect(notice).to_contain_text("You can still choose your pictures")
    expect(other.locator("#run")).to_be_disabled()
    # the painting is still there for whoever made it
    page.reload()
    painted(page)


def test_what_costs_more_than_is_left_is_said_before_it_is_tried(
    new_page: NewPage, poor: Running
) -> None:
    page = new_page(poor)
    enter(page, poor)
    choose(page)
    long(page)
    hint = page.locator("#run-hint")
    expect(hint).to_contain_text("left" if poor_has_money(page) else "Nothing can be started")
    expect(page.locator("#run")).to_be_disabled()


def poor_has_money(page: Page) -> bool:
    return bool(page.evaluate("fetch('/api/budget').then((r) => r.json())")["accepting"])


def test_a_refused_admission_says_why_and_may_be_tried_again(
    page: Page, stack: Running, faults: Faults
) -> None:
    enter(page, stack)
    choose(page)
    small(page)
    # the workflow of the admission is refused by its service
    faults("error", service="states", operation="StartSyncExecution", code="ThrottlingException",
           status=400)  # fmt: skip
    page.locator("#run").click()
    expect(page.locator(".refusal")).to_contain_text("Too many visitors at once", timeout=RUN_MS)
    expect(page.locator("#run")).to_be_enabled()


def test_a_failed_run_gives_its_reason_and_a_way_back(
    page: Page, stack: Running, faults: Faults
) -> None:
    faults("error", service="ecs", operation="RunTask", code="ClientException", status=400)
    enter(page, stack)
    choose(page)
    small(page)
    paint(page)
    expect(page.get_by_role("heading", name="This did not work")).to_be_visible(timeout=RUN_MS)
    expect(page.get_by_role("alert")).to_contain_text("could not be started")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_alt_text("Your photo, hills.jpg")).to_be_visible()
    expect(page.locator("#run")).to_be_enabled()


def test_a_painter_that_is_killed_is_a_failed_run_with_a_reason(
    page: Page, stack: Running, faults: Faults
) -> None:
    faults("task_killed", seconds=1)
    enter(page, stack)
    choose(page)
    long(page)
    paint(page)
    expect(page.get_by_role("heading", name="This did not work")).to_be_visible(timeout=RUN_MS)
    expect(page.get_by_role("alert")).to_contain_text("painter")


def test_a_cancelled_upload_starts_nothing(page: Page, stack: Running, faults: Faults) -> None:
    faults("delay", service="s3", operation="PostObject", seconds=120)
    enter(page, stack)
    choose(page)
    small(page)
    run_id = paint(page)
    expect(page.locator(".stage-said")).to_contain_text("Sending the pictures")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="Stopped")).to_be_visible()
    answer = page.request.get(f"{stack.web_url}/api/runs/{run_id}")
    assert answer.status == 404


def test_a_stop_while_it_is_being_started_counts(
    page: Page, stack: Running, faults: Faults
) -> None:
    enter(page, stack)
    choose(page)
    long(page)
    faults("delay", service="states", operation="StartSyncExecution", seconds=4, times=2)
    paint(page)
    expect(page.locator(".stage-said")).to_contain_text("Starting a machine just for you")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".stage-said")).to_have_text("Stopping")
    expect(page.get_by_role("heading", name="Stopped")).to_be_visible(timeout=RUN_MS)


def test_an_upload_that_fails_at_first_is_sent_again(
    page: Page, stack: Running, faults: Faults
) -> None:
    faults("error", service="s3", operation="PostObject", code="SlowDown", status=503, times=2)
    enter(page, stack)
    choose(page)
    small(page)
    paint(page)
    painted(page)


def test_a_reload_in_mid_run_goes_on_with_it(page: Page, stack: Running) -> None:
    enter(page, stack)
    choose(page)
    long(page)
    paint(page)
    painting_begun(page)
    with page.expect_request(lambda r: "events.jsonl" in r.url) as asked:
        page.reload()
    assert asked.value.headers.get("range", "").startswith("bytes=")  # only what is new
    painting_begun(page)
    expect(page.locator(".under")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("heading", name="Stopped")).to_be_visible(timeout=RUN_MS)


def test_a_run_is_found_again_from_the_studio_after_the_page_was_closed(
    page: Page, stack: Running
) -> None:
    enter(page, stack)
    choose(page)
    long(page)
    paint(page)
    painting_begun(page)
    page.goto("about:blank")
    page.goto(stack.web_url)
    shelf = page.get_by_role("region", name="Your paintings")
    # Not by text alone: the heading "Your paintings" has the word, too, and is there sooner.
    expect(shelf.locator(".shelf-state")).to_contain_text("Painting")
    shelf.get_by_role("link").click()
    painting_begun(page)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("heading", name="Stopped")).to_be_visible(timeout=RUN_MS)


def test_a_network_that_is_cut_and_restored_loses_nothing(page: Page, stack: Running) -> None:
    enter(page, stack)
    choose(page)
    small(page)
    paint(page)
    expect(page.get_by_text("Looking at the pictures").or_(page.locator(".forming"))).to_be_visible(
        timeout=RUN_MS
    )
    page.context.set_offline(True)
    expect(page.locator(".stage-said")).to_contain_text("No connection: trying again")
    page.context.set_offline(False)
    painted(page)


def test_a_network_that_is_cut_in_mid_upload_loses_nothing(
    page: Page, stack: Running, faults: Faults
) -> None:
    faults("delay", service="s3", operation="PostObject", seconds=3, times=1)
    enter(page, stack)
    choose(page)
    small(page)
    with page.expect_request(lambda r: r.method == "POST" and "nst-storage" in r.url):
        paint(page)
    page.context.set_offline(True)
    page.context.set_offline(False)
    painted(page)


def test_offline_is_said_in_the_studio_and_nothing_that_was_chosen_is_lost(
    page: Page, stack: Running
) -> None:
    enter(page, stack)
    choose(page)
    page.context.set_offline(True)
    notice = page.get_by_role("status").filter(has_text="No connection")
    expect(notice).to_be_visible(timeout=60_000)
    expect(page.get_by_alt_text("Your photo, hills.jpg")).to_be_visible()
    page.context.set_offline(False)
    page.get_by_role("button", name="Try now").click()
    expect(notice).to_have_count(0)
    expect(page.locator("#run")).to_be_enabled()


def test_trouble_on_our_side_is_said_and_passes(page: Page, stack: Running, faults: Faults) -> None:
    faults("error", service="lambda", operation="Invoke", status=500)
    enter(page, stack)
    notice = page.get_by_role("status").filter(has_text="Something is wrong on our side")
    expect(notice).to_be_visible(timeout=60_000)


def test_a_closed_api_is_a_closed_studio(page: Page, stack: Running) -> None:
    """Closed by the gate, as an alarm or the operator closes it."""
    where = ["--endpoint-url", stack.aws_url]
    closed = CliRunner().invoke(gate.close, where)
    assert closed.exit_code == 0, closed.output
    try:
        enter(page, stack)
        notice = page.get_by_role("status").filter(has_text="The studio is closed for now")
        expect(notice).to_be_visible(timeout=60_000)
        expect(page.locator("#run")).to_be_disabled()
    finally:
        opened = CliRunner().invoke(gate.reopen, where)
        assert opened.exit_code == 0, opened.output
    page.get_by_role("button", name="Try now").click()
    expect(notice).to_have_count(0)


def test_a_throttled_api_is_a_busy_studio(page: Page, stack: Running) -> None:
    """The throttle of a method at 0 while the stage is open: 429 for every call.

    It comes after the gate's test: a method with a throttle of its own that is not declared, as is
    left here, does not close with the rest.
    """
    gateway = stack.client("apigateway")
    [api] = gateway.get_rest_apis()["items"]
    path = "/~1api~1budget/GET/throttling"
    where = {"restApiId": api["id"], "stageName": "prod"}
    before = gateway.get_stage(**where)["methodSettings"]

    def throttle(rate: str, burst: str) -> None:
        gateway.update_stage(
            **where,
            patchOperations=[
                {"op": "replace", "path": f"{path}/rateLimit", "value": rate},
                {"op": "replace", "path": f"{path}/burstLimit", "value": burst},
            ],
        )

    throttle("0", "0")
    try:
        enter(page, stack)
        notice = page.get_by_role("status").filter(has_text="Busy right now")
        expect(notice).to_be_visible(timeout=60_000)
        expect(page.locator("#run")).to_be_disabled()
    finally:
        default = before.get("*/*", {})
        throttle(str(default.get("throttlingRateLimit", 50)),
                 str(default.get("throttlingBurstLimit", 100)))  # fmt: skip
    page.get_by_role("button", name="Try now").click()
    expect(notice).to_have_count(0)


def test_a_link_to_nothing_is_said_and_leads_on(page: Page, stack: Running) -> None:
    for address in ("0" * 32, "nonsense", "%3Cscript%3E"):
        page.goto(f"{stack.web_url}/#/r/{address}")
        expect(
            page.get_by_role("heading", name="This painting is not here any more")
        ).to_be_visible()
        page.get_by_role("button", name="New painting").click()
        expect(page.get_by_role("heading", name="Turn a photo into a painting")).to_be_visible()


def test_a_painting_that_was_deleted_leaves_a_small_copy_on_this_device(
    page: Page, stack: Running
) -> None:
    enter(page, stack)
    choose(page)
    small(page)
    run_id = paint(page)
    painted(page)
    s3 = stack.client("s3")
    for item in s3.list_objects_v2(Bucket="nst-storage", Prefix=f"runs/{run_id}/")["Contents"]:
        s3.delete_object(Bucket="nst-storage", Key=item["Key"])
    page.reload()
    expect(page.get_by_role("heading", name="This painting is not here any more")).to_be_visible()
    expect(page.get_by_text("A small copy is all that is left")).to_be_visible()
    expect(page.locator(".ended .forming")).to_be_visible()


def test_a_shelf_forgets_what_it_is_told_to(page: Page, stack: Running) -> None:
    enter(page, stack)
    choose(page)
    small(page)
    paint(page)
    painted(page)
    page.get_by_role("link", name="nst-art, to the studio").click()
    page.get_by_role("button", name="Forget").click()
    expect(page.get_by_role("region", name="Your paintings")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("region", name="Your paintings")).to_have_count(0)
