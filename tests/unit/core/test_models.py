"""Models of AWS's services: read by name, once for the process."""

from __future__ import annotations

import botocore.session
import pytest

from emulator.core.errors import NotSupported
from emulator.core.models import service_model, share_reading


def test_a_service_is_found_by_its_sdk_name() -> None:
    model = service_model("stepfunctions")
    assert "StartSyncExecution" in model.operation_names
    assert service_model("stepfunctions") is model


@pytest.mark.parametrize("name", ["nope", "", "../s3", "s3/2006-03-01"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(NotSupported):
        service_model(name)


def test_sessions_share_what_was_read_and_see_the_same() -> None:
    share_reading()
    share_reading()  # a second time changes nothing
    first, second = botocore.session.Session(), botocore.session.Session()
    assert first.get_available_services() == second.get_available_services()
    loaded = [s.get_component("data_loader").load_data("endpoints") for s in (first, second)]
    assert loaded[0] is loaded[1]
    assert first.get_service_model("s3").operation_model("PutObject").name == "PutObject"
