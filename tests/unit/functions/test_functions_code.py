"""New code: from zips, from S3, from a directory."""

import json

import botocore.exceptions
import pytest

from tests.unit.functions.over_http import CODE, archive, call, code_of


def test_new_code_and_configuration_replace_warm_sandboxes_at_once(client, function):
    name, made = function(), client("lambda")
    first = json.loads(call(client, name)[1])["pid"]
    assert json.loads(call(client, name)[1])["pid"] == first
    made.update_function_configuration(FunctionName=name, Environment={"Variables": {"A": "b"}})
    second = json.loads(call(client, name)[1])["pid"]
    assert second != first
    made.update_function_code(FunctionName=name, ZipFile=archive("def handler(e, c): return 'new'"))
    assert call(client, name)[1] == b'"new"'


@pytest.mark.fidelity(
    area="Lambda",
    feature="code from S3: CreateFunction and UpdateFunctionCode",
    source="https://docs.aws.amazon.com/lambda/latest/api/API_FunctionCode.html",
)
def test_code_may_lie_in_a_bucket(client, function):
    s3, made = client("s3"), client("lambda")
    s3.create_bucket(Bucket="code")
    s3.put_object(Bucket="code", Key="a.zip", Body=archive("def handler(e, c): return 'a'"))
    s3.put_object(Bucket="code", Key="b.zip", Body=archive("def handler(e, c): return 'b'"))
    name = function(Code={"S3Bucket": "code", "S3Key": "a.zip"})
    assert call(client, name)[1] == b'"a"'
    made.update_function_code(FunctionName=name, S3Bucket="code", S3Key="b.zip")
    assert call(client, name)[1] == b'"b"'
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        made.update_function_code(FunctionName=name, S3Bucket="code", S3Key="none.zip")
    assert code_of(refused) == "InvalidParameterValueException"
    assert "S3 Error Code: NoSuchKey" in str(refused.value)


def test_a_directory_can_be_the_code_and_its_changes_are_seen_at_once(client, function, tmp_path):
    app = tmp_path / "app.py"
    app.write_text("import helper\ndef handler(e, c): return [helper.A, c.function_version]")
    (tmp_path / "helper.py").write_text("A = 1")
    name = function(Code={"S3Bucket": "hot-reload", "S3Key": str(tmp_path)})
    assert call(client, name)[1] == b'[1, "$LATEST"]'
    assert call(client, name)[1] == b'[1, "$LATEST"]'
    (tmp_path / "helper.py").write_text("A = 22")
    assert call(client, name)[1] == b'[22, "$LATEST"]'
    (tmp_path / "more.py").write_text("B = 3")
    app.write_text("import more\ndef handler(e, c): return more.B")
    assert call(client, name)[1] == b"3"
    # The developer's directory stays as it is.
    assert sorted(p.name for p in tmp_path.iterdir()) == ["app.py", "helper.py", "more.py"]
    client("lambda").update_function_code(FunctionName=name, ZipFile=archive(CODE))
    assert json.loads(call(client, name)[1])["event"] == {}


@pytest.mark.parametrize("key", ["relative/path", "/nowhere/at/all"])
def test_hot_reload_needs_a_directory(client, function, key):
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        client("lambda").update_function_code(
            FunctionName=function(), S3Bucket="hot-reload", S3Key=key
        )
    assert code_of(refused) == "InvalidParameterValueException"
    assert "absolute path of a directory" in str(refused.value)


def test_a_hot_reload_directory_that_is_gone_is_named(client, function, tmp_path):
    place = tmp_path / "code"
    place.mkdir()
    (place / "app.py").write_text(CODE)
    name = function(Code={"S3Bucket": "hot-reload", "S3Key": str(place)})
    (place / "app.py").unlink()
    place.rmdir()
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        call(client, name)
    assert f"The hot-reload directory {place} is gone" in str(refused.value)
