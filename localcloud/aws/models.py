"""botocore's models of AWS, megabytes of JSON: read once for the whole process.

botocore reads them, and the list of their folders, anew for every session, and moto makes a session for every service.
"""

import functools
from typing import Any

from botocore.loaders import JSONFileLoader, Loader

# When moto is imported, it lists EC2's regions, which needs only this prefix. Reading the rest of EC2's model, the
# largest of all, would take half a second.
_EC2 = {"metadata": {"endpointPrefix": "ec2"}}


def read_models_once() -> None:
    """Make botocore read each model once. Call it before moto is imported."""
    read = functools.cache(JSONFileLoader().load_file)
    search = Loader.list_available_services
    known: dict[tuple[str, ...], list[str]] = {}

    def load_file(_: JSONFileLoader, path: str) -> Any:
        is_ec2 = "/ec2/" in path and path.endswith("/service-2")
        return _EC2 if is_ec2 else read(path)

    def list_available_services(loader: Loader, type_name: str) -> list[str]:
        key = (type_name, *loader.search_paths)
        if key not in known:
            known[key] = search(loader, type_name)
        return known[key]

    JSONFileLoader.load_file = load_file
    Loader.list_available_services = list_available_services
