"""Path style and virtual hosts, and how requests are read."""

import re
import socket

import httpx
import pytest

BUCKET = "pictures"


def _code(answer):
    found = re.search(r"<Code>(\w+)</Code>", answer.text)
    return answer.status_code, found[1] if found else None


@pytest.fixture
def names(monkeypatch):
    """Every name leads to this machine."""
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda _, *args, **kw: real("127.0.0.1", *args, **kw)
    )


@pytest.mark.parametrize(
    "host",
    [
        "s3.localhost.localstack.cloud",
        "s3.us-east-1.localhost.localstack.cloud",
        "s3.localhost",
        "s3.amazonaws.com",
        "s3.eu-west-1.amazonaws.com",
        "s3-eu-west-1.amazonaws.com",
        "s3.dualstack.us-east-1.amazonaws.com",
    ],
)
@pytest.mark.usefixtures("names")
def test_virtual_hosts(server, s3, host):
    client = server.client(
        endpoint_url=f"http://{host}:{server.port}",
        config={"s3": {"addressing_style": "virtual"}},
    )
    client.put_object(Bucket=BUCKET, Key="a/b", Body=host.encode())
    assert client.get_object(Bucket=BUCKET, Key="a/b")["Body"].read() == host.encode()
    assert s3.get_object(Bucket=BUCKET, Key="a/b")["Body"].read() == host.encode()
    url = client.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "a/b"})
    assert url.startswith(f"http://{BUCKET}.{host}:{server.port}/a/b?")
    assert httpx.get(url).content == host.encode()
    post = client.generate_presigned_post(BUCKET, "up")
    answer = httpx.post(post["url"], data=post["fields"], files={"file": b"x"})
    assert answer.status_code == 204
    assert answer.headers["location"] == f"http://{BUCKET}.{host}:{server.port}/up"
    assert [row["Key"] for row in client.list_objects_v2(Bucket=BUCKET)["Contents"]] == [
        "a/b",
        "up",
    ]
    client.create_bucket(Bucket="with.dots")
    client.delete_bucket(Bucket="with.dots")


def test_another_host_is_path_style(server, s3):
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"x")
    url = f"{server.url}/{BUCKET}/k"
    for host in (f"{BUCKET}.localhost:{server.port}", "localhost", "example.com"):
        # Addressed by its path, and anonymous: refused, but found.
        answer = httpx.get(url, headers={"Host": host})
        assert _code(answer) == (403, "AccessDenied")


def test_paths_and_queries_that_cannot_be_read(server):
    for path in ("/%ff", f"/{BUCKET}/%C3", f"/{BUCKET}?prefix=%ff"):
        assert _code(httpx.get(server.url + path)) == (400, "InvalidURI")
    many = "&".join(f"a{n}=1" for n in range(200))
    assert _code(httpx.get(f"{server.url}/{BUCKET}?{many}")) == (400, "InvalidURI")


def test_methods_that_are_not_there(server, s3):
    assert _code(server.send("PATCH", f"/{BUCKET}/k")) == (405, "MethodNotAllowed")
    assert _code(server.send("PATCH", f"/{BUCKET}")) == (405, "MethodNotAllowed")
    assert _code(server.send("PUT", "/")) == (405, "MethodNotAllowed")
    assert _code(server.send("POST", f"/{BUCKET}/k")) == (405, "MethodNotAllowed")
    assert _code(server.send("DELETE", f"/{BUCKET}?acl")) == (405, "MethodNotAllowed")
    refused = (400, "NotSupportedByEmulator")
    assert _code(server.send("POST", f"/{BUCKET}/k?restore")) == refused
    assert _code(server.send("GET", f"/{BUCKET}?session")) == refused
    assert _code(server.send("PUT", f"/{BUCKET}?inventory&id=1", b"<a/>")) == refused


def test_a_put_needs_its_length(server, s3):
    url = s3.generate_presigned_url("put_object", Params={"Bucket": BUCKET, "Key": "k"})
    answer = httpx.put(url, content=iter([b"a", b"b"]))
    assert _code(answer) == (411, "MissingContentLength")
    huge = {"Content-Length": str(6 * 1024**3)}
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        path = url.removeprefix(server.url)
        head = f"PUT {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nExpect: 100-continue\r\n"
        client.sendall(f"{head}Content-Length: {huge['Content-Length']}\r\n\r\n".encode())
        received = b""
        while chunk := client.recv(65536):
            received += chunk
    # Refused by its announcement: no 100 Continue, and the connection ends.
    assert received.startswith(b"HTTP/1.1 400")
    assert b"<Code>EntityTooLarge</Code>" in received


def test_a_client_that_expects_100_gets_it_and_one_that_is_refused_does_not(server, s3):
    url = s3.generate_presigned_url("put_object", Params={"Bucket": BUCKET, "Key": "k"})
    path = url.removeprefix(server.url)
    for target, first in ((path, b"HTTP/1.1 100"), (path + "x", b"HTTP/1.1 403")):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
            client.sendall(
                f"PUT {target} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
                "Expect: 100-continue\r\nContent-Length: 4\r\nConnection: close\r\n\r\n".encode()
            )
            received = client.recv(65536)
            assert received.startswith(first)
            if first.endswith(b"100"):
                client.sendall(b"body")
            while chunk := client.recv(65536):
                received += chunk
    assert s3.get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"body"


def test_a_client_that_goes_away_leaves_nothing(server, s3, refusal):
    url = s3.generate_presigned_url("put_object", Params={"Bucket": BUCKET, "Key": "k"})
    path = url.removeprefix(server.url)
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        head = f"PUT {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        client.sendall(f"{head}Content-Length: 3000000\r\n\r\n".encode() + b"x" * 2_000_000)
    assert refusal(s3.head_object, Bucket=BUCKET, Key="k")[1] == 404


def test_head_and_every_answer_have_ids(server, s3):
    answer = server.send("HEAD", f"/{BUCKET}/none")
    assert (answer.status_code, answer.content) == (404, b"")
    for name in ("x-amz-request-id", "x-amz-id-2", "date"):
        assert answer.headers[name]
    assert answer.headers["server"] == "AmazonS3"
