"""Credentials that must not open anything, for every API in its own words (accounts as the operator makes them)."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from devkit.clients import AidgeClient, AiLab, Answer, JdClient, PicWish, plain_picture
from devkit.running import RunningCloud

PICTURE = plain_picture(100, 100)
Keys = Mapping[str, tuple[str, str]]


def jdc(url: str, keys: Keys) -> Answer:
    return JdClient(url, *keys["jd"]).cutout(PICTURE)


def jds(url: str, keys: Keys) -> Answer:
    return JdClient(url, *keys["jd"]).segment(PICTURE)


def pw(url: str, keys: Keys) -> Answer:
    return PicWish(url, keys["api-key"][0]).create(PICTURE)


def aid(url: str, keys: Keys) -> Answer:
    return AidgeClient(url, *keys["aidge"]).post({})


def ail(url: str, keys: Keys) -> Answer:
    return AiLab(url, keys["api-key"][0]).cut(PICTURE)


CALLS: Mapping[Callable[[str, Keys], Answer], str] = {jdc: "jd", jds: "jd", pw: "api-key", aid: "aidge", ail: "api-key"}
# HTTP status and code; Aidge and PicWish tell by their message.
UNKNOWN = {
    jdc: (401, 10001), jds: (401, "10001"), pw: (401, "Unauthorized"),
    aid: (200, "The specified app_key is invalid"), ail: (401, "ERROR_USER_NOT_EXISTS"),
}  # fmt: skip
DISABLED = {
    jdc: (403, 10050), jds: (403, "10050"), pw: (401, "Unauthorized"),
    aid: (200, "The specified app_key is disabled"), ail: (403, "ERROR_USER_LOCKED"),
}  # fmt: skip
FORGED = {
    jdc: (401, 10047), jds: (401, "10047"),
    aid: (200, "The request signature does not conform to platform standards"),
}  # fmt: skip


def reported(answer: Answer) -> tuple[int, Any]:
    body = answer.json
    message = body.get("message") if {"resCode", "status"} & set(body) else None
    return answer.status, message or body.get("error_code_str") or body["code"]


@pytest.fixture(scope="module")
def opened(cutline: Callable[..., str]) -> Callable[[str], Keys]:
    """Makes an account and returns its credentials by kind."""

    def create(name: str) -> Keys:
        return keys_of(cutline("account", "create", name, "--qps", "50", "--json"))

    return create


def keys_of(printed: str) -> Keys:
    return {new["kind"]: (new["key"], new["secret"] or "") for new in json.loads(printed)["credentials"]}


def test_credentials_that_were_rotated_away_are_unknown(
    cloud: RunningCloud, cutline: Callable[..., str], opened: Callable[[str], Keys]
) -> None:
    old = opened("rotated")
    cutline("account", "rotate", "rotated")
    assert {call: reported(call(cloud.url, old)) for call in CALLS} == UNKNOWN


def test_a_disabled_credential_is_refused_and_the_accounts_others_are_not(
    cloud: RunningCloud, cutline: Callable[..., str], opened: Callable[[str], Keys]
) -> None:
    for kind in ("jd", "aidge", "api-key"):
        name = f"half-{kind}"
        keys = opened(name)
        shown = json.loads(cutline("account", "show", name, "--json"))["credentials"]
        (label,) = [item["key"] for item in shown if item["kind"] == kind]
        cutline("account", "disable", name, "--credential", label)
        answers = {call: reported(call(cloud.url, keys)) for call in CALLS}
        refused = {call: answer for call, answer in answers.items() if answer == DISABLED[call]}  # type: ignore[index]
        assert refused == {call: DISABLED[call] for call, used in CALLS.items() if used == kind}  # type: ignore[index]


def test_a_disabled_account_is_refused_everywhere(
    cloud: RunningCloud, cutline: Callable[..., str], opened: Callable[[str], Keys]
) -> None:
    keys = opened("closed")
    cutline("account", "disable", "closed")
    assert {call: reported(call(cloud.url, keys)) for call in CALLS} == DISABLED


def test_one_accounts_key_with_anothers_secret_is_a_wrong_signature(
    cloud: RunningCloud, opened: Callable[[str], Keys]
) -> None:
    own, foreign = opened("own"), opened("foreign")
    mixed = {kind: (own[kind][0], foreign[kind][1]) for kind in own}
    assert {call: reported(call(cloud.url, mixed)) for call in FORGED} == FORGED


def test_a_key_of_one_kind_is_nothing_in_the_place_of_another(
    cloud: RunningCloud, opened: Callable[[str], Keys]
) -> None:
    keys = opened("mixed")
    swapped = {"jd": keys["aidge"], "aidge": keys["jd"], "api-key": keys["jd"]}
    assert {call: reported(call(cloud.url, swapped)) for call in CALLS} == UNKNOWN
