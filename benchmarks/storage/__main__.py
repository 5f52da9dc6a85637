"""Measures storage: S3 beside other emulators, and compare-and-swap under contention.

``python -m benchmarks.storage [--rounds N] [--cas-rounds N]`` prints and writes the table. All
servers run during the whole measurement and take turns, so that a busy moment of the machine hits
all of them. ministack is installed into ``.bench/`` the first time.
"""

from __future__ import annotations

import argparse
import os
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from benchmarks.machine import machine, write_section
from benchmarks.storage import servers
from benchmarks.storage.contention import Contention, contend, ledgers
from benchmarks.storage.counters import Race, client, counters, race

BODY = os.urandom(1024)
CALLS = 100
THREADS, CALLS_A_THREAD = 8, 40


def main() -> None:
    """Measure and write the section ``storage``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cas-rounds", type=int, default=20)
    asked = parser.parse_args()
    lines = [machine(), "", *beside(asked.rounds), ""]
    with servers.only_ours() as url:
        lines += [*writers(url), ""]
        save(lines)
        # The longest part comes last and is written after each round: who stops it keeps the rest.
        for table in swaps(url, asked.cas_rounds):
            save([*lines, *table])


def save(lines: list[str]) -> None:
    """Print the section and write it."""
    text = "\n".join(lines)
    print(text, flush=True)
    write_section("storage", text)


def beside(rounds: int) -> list[str]:
    """S3 of each server, in turns."""
    puts, gets, rates = (defaultdict(list) for _ in range(3))
    with servers.running() as urls:
        for url in urls.values():
            client("s3", url).create_bucket(Bucket="bench")
            measure_calls(url)  # warms the server, and the SDK
        for number in range(rounds):
            turns = list(urls.items())
            for name, url in turns[number % len(turns) :] + turns[: number % len(turns)]:
                put, get = measure_calls(url)
                puts[name].append(put)
                gets[name].append(get)
                rates[name].append(measure_rate(url))
    what = (
        f"S3 through boto3, objects of 1 KB; medians of {rounds} rounds in turns, each of {CALLS} "
        f"calls by one thread and of {THREADS} threads that put and get:"
    )
    lines = [
        what,
        "",
        "| | put p50 | get p50 | 8 threads |",
        "|---|---|---|---|",
    ]
    for name in puts:
        put, get, rate = (statistics.median(kind[name]) for kind in (puts, gets, rates))
        lines.append(f"| {name} | {put * 1000:.1f} ms | {get * 1000:.1f} ms | {rate:.0f} op/s |")
    return lines


def measure_calls(url: str) -> tuple[float, float]:
    """The median seconds of a put and of a get."""
    s3 = client("s3", url)
    puts = [
        timed(lambda: s3.put_object(Bucket="bench", Key="one", Body=BODY)) for _ in range(CALLS)
    ]
    gets = [timed(lambda: read(s3, "one")) for _ in range(CALLS)]
    return statistics.median(puts), statistics.median(gets)


def measure_rate(url: str) -> float:
    """Operations a second of THREADS threads with a client each, half puts and half gets."""
    start = threading.Barrier(THREADS + 1)
    failed: list[BaseException] = []

    def work(number: int) -> None:
        s3, key = client("s3", url), f"many-{number}"
        s3.put_object(Bucket="bench", Key=key, Body=BODY)  # its connection
        start.wait()
        try:
            for turn in range(CALLS_A_THREAD):
                if turn % 2:
                    read(s3, key)
                else:
                    s3.put_object(Bucket="bench", Key=key, Body=BODY)
        except BaseException as error:  # noqa: BLE001 (raised below)
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    start.wait()
    begin = time.perf_counter()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - begin
    if failed:
        raise failed[0]
    return THREADS * CALLS_A_THREAD / seconds


def read(s3: Any, key: str) -> None:
    """Get an object and read it to its end."""
    if s3.get_object(Bucket="bench", Key=key)["Body"].read() != BODY:
        raise SystemExit("an object came back changed")


def timed(work: Any) -> float:
    """Seconds that ``work()`` takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def swaps(url: str, rounds: int) -> Iterator[list[str]]:
    """Compare-and-swap, 16 threads x 20 additions: the table after each round on both stores."""
    done: dict[str, list[Race]] = {"s3": [], "dynamodb": []}
    seconds = dict.fromkeys(done, 0.0)
    for number in range(rounds):
        for service, races in done.items():
            begin = time.perf_counter()
            races.append(race(counters(service, url, f"cas-{number}")))
            seconds[service] += time.perf_counter() - begin
        yield [
            f"Compare-and-swap through boto3, 16 threads x 20 additions, {number + 1} rounds:",
            "",
            "| store | acknowledged | lost | lost races | seconds a round |",
            "|---|---|---|---|---|",
            *(
                f"| {service} | {sum(d.acknowledged for d in races)} "
                f"| {sum(d.lost for d in races)} | {sum(d.conflicts for d in races)} "
                f"| {seconds[service] / len(races):.1f} |"
                for service, races in done.items()
            ),
        ]


def writers(url: str) -> list[str]:
    """The ledger's own writers."""
    heads = "store, writers x changes, attempts p50, p99, most, asked again, unaccounted, seconds"
    lines = [
        "One ledger, changed by many writers at once with the functions' own store and pauses:",
        "",
        f"| {heads.replace(', ', ' | ')} |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for service in ("s3", "dynamodb"):
        for count, changes in ((10, 40), (100, 2)):
            found = contend(
                ledgers(service, url, f"writers-{count}"), writers=count, changes=changes
            )
            lines.append(f"| {service} | {count} x {changes} | {_figures(found)} |")
    return lines


def _figures(found: Contention) -> str:
    return (
        f"{found.percentile(0.5)} | {found.percentile(0.99)} | {max(found.attempts)} "
        f"| {found.gave_up} | {found.unaccounted} | {found.seconds:.1f}"
    )


if __name__ == "__main__":
    main()
