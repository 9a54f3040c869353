"""Route matching, after what REST APIs were seen to do."""

from typing import Any

import pytest

from localcloud.api.routes import RouteTable


def _swagger(*paths: str) -> dict[str, Any]:
    uri = {"Fn::Sub": "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Fn.Arn}/invocations"}
    method = {"x-amazon-apigateway-integration": {"type": "aws_proxy", "uri": uri}}
    return {"paths": {path: {"x-amazon-apigateway-any-method": method} for path in paths}}


@pytest.mark.parametrize(
    ("path", "resource", "parameters"),
    [
        ("/", "/", {}),
        ("/a", "/a", {}),
        ("/a/", "/a", {}),
        ("/a/b", "/a/{one}", {"one": "b"}),
        ("/a/exact", "/a/exact", {}),
        ("/a/b/c", "/a/{rest+}", {"rest": "b/c"}),
    ],
)
def test_the_longest_literal_route_wins(path: str, resource: str, parameters: dict[str, str]) -> None:
    table = RouteTable(_swagger("/", "/a/", "/a/exact", "/a/{one}", "/a/{rest+}"))
    match = table.find("GET", path)
    assert match is not None
    assert (match.route.resource, match.path_parameters, match.route.function) == (resource, parameters, "Fn")


@pytest.mark.parametrize("path", ["/b", "/a/", "/a/b/c", "/A/b"])
def test_an_unknown_path_has_no_route(path: str) -> None:
    assert RouteTable(_swagger("/a/{one}")).find("GET", path) is None


def test_a_method_that_is_not_declared_has_no_route() -> None:
    swagger = _swagger("/a")
    swagger["paths"]["/a"]["post"] = swagger["paths"]["/a"].pop("x-amazon-apigateway-any-method")
    assert RouteTable(swagger).find("GET", "/a") is None
    assert RouteTable(swagger).find("POST", "/a") is not None


def test_two_resources_that_differ_by_a_slash_are_refused_as_on_aws() -> None:
    with pytest.raises(ValueError, match="slash"):
        RouteTable(_swagger("/a", "/a/"))
