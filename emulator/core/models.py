"""The SDK's own models of AWS's services, which give shapes, protocols and error names."""

from __future__ import annotations

from functools import cache
from typing import Any

from emulator.core.errors import NotSupported


@cache
def service_model(name: str) -> Any:
    """Botocore's model of a service (``stepfunctions``); NotSupported for a name it lacks."""
    import botocore.model  # noqa: PLC0415 (slow import)

    return botocore.model.ServiceModel(service_document(name), name)


def service_document(name: str) -> Any:
    """The document that botocore's model of a service is read from; NotSupported as above.

    Read by name: botocore's session would first list the folders of all its 400 services, a
    quarter of a second.
    """
    import botocore.loaders  # noqa: PLC0415 (slow import)
    from botocore.exceptions import DataNotFoundError, ValidationError  # noqa: PLC0415

    loader = botocore.loaders.create_loader()
    try:
        version = loader.determine_latest_version(name, "service-2")
        return loader.load_data(f"{name}/{version}/service-2")
    except (DataNotFoundError, ValidationError, ValueError) as error:
        raise NotSupported(f"the service {name!r}") from error


@cache
def service_names() -> tuple[str, ...]:
    """Botocore's names of all services; slow when asked first (it lists all folders)."""
    import botocore.loaders  # noqa: PLC0415 (slow import)

    return tuple(botocore.loaders.create_loader().list_available_services("service-2"))


def share_reading() -> None:
    """Let all SDK sessions of this process share what they read from botocore's data files.

    A session caches for itself alone, and moto makes dozens of them: the same megabytes of JSON
    would be decoded again and again, a second and a half of the start.
    """
    from botocore.loaders import JSONFileLoader, Loader  # noqa: PLC0415 (slow import)

    if hasattr(JSONFileLoader, "_nst_read"):
        return
    read, listed = JSONFileLoader.load_file, Loader.list_available_services
    files: dict[str, Any] = {}
    names: dict[tuple[str, ...], list[str]] = {}

    def load_file(self: Any, file_path: str) -> Any:
        if file_path not in files:
            files[file_path] = read(self, file_path)
        return files[file_path]

    def list_available_services(self: Any, type_name: str) -> list[str]:
        key = (type_name, *self.search_paths)
        if key not in names:
            names[key] = listed(self, type_name)
        return names[key]

    JSONFileLoader._nst_read = read  # noqa: SLF001 - says it is done
    JSONFileLoader.load_file = load_file
    Loader.list_available_services = list_available_services
