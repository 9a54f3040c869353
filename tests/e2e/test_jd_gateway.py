"""What JD's gateway refuses, in the same words for both products behind it (contracts.md 1.6, 2.5)."""

import time
from dataclasses import replace

import pytest

from devkit.accounts import Accounts
from devkit.clients import JdClient, send
from devkit.faulty import FaultyCloud
from devkit.running import RunningCloud
from tests.support.jd import BAD_SIGNATURE, MATTING, SELFIE, Product


@pytest.fixture(params=[MATTING, SELFIE], ids=["matting", "selfie"])
def product(request: pytest.FixtureRequest) -> Product:
    chosen: Product = request.param
    return chosen


@pytest.fixture(scope="module")
def jd(cloud: RunningCloud) -> JdClient:
    return JdClient(cloud.url)


def caller(jd: JdClient, account: str) -> JdClient:
    return replace(jd, access_key=f"AK-{account}", secret=f"SK-{account}")


@pytest.mark.parametrize("version", ["2", "3"])
def test_both_signature_versions_are_accepted(jd: JdClient, product: Product, version: str) -> None:
    assert product.call(replace(jd, version=version)).json["result"]["status"] == product.done


def test_one_changed_byte_is_refused(jd: JdClient, product: Product) -> None:
    headers = jd.headers(product.path, product.body)
    product.assert_refused(send("POST", jd.base_url + product.path, product.body + b" ", headers), *BAD_SIGNATURE)


def test_a_replayed_call_is_refused(jd: JdClient, product: Product) -> None:
    headers = jd.headers(product.path, product.body)
    assert send("POST", jd.base_url + product.path, product.body, headers).status == 200
    product.assert_refused(send("POST", jd.base_url + product.path, product.body, headers), *BAD_SIGNATURE)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"authorization": None}, (401, 10004, "UNAUTHENTICATED", "URL上appkey参数不能为空")),
        ({"authorization": "JDCLOUD2-HMAC-SHA256 Credential=DEMOAK/a/b/c/d"},
         (401, 10042, "UNAUTHENTICATED", "URL上sign参数不能为空")),
        ({"x-jdcloud-date": None}, (401, 10041, "UNAUTHENTICATED", "URL上timestamp参数不能为空")),
        ({"x-jdcloud-date": "yesterday"}, (401, 10046, "UNAUTHENTICATED", "timestamp参数格式错误")),
        ({"x-jdcloud-nonce": None}, BAD_SIGNATURE),
    ],
)  # fmt: skip
def test_incomplete_credentials_are_refused(
    jd: JdClient, product: Product, change: dict[str, str | None], expected: tuple[int, int, str, str]
) -> None:
    headers = {**jd.headers(product.path, product.body), **change}
    kept = {name: value for name, value in headers.items() if value is not None}
    product.assert_refused(send("POST", jd.base_url + product.path, product.body, kept), *expected)


@pytest.mark.parametrize("skew_s", [-310, 310])
def test_a_clock_more_than_five_minutes_off_is_refused(jd: JdClient, product: Product, skew_s: int) -> None:
    headers = jd.headers(product.path, product.body, at=time.time() + skew_s)
    answer = send("POST", jd.base_url + product.path, product.body, headers)
    message = "timestamp参数无效，请检查timestamp距离当前时间是否超过5分钟"
    product.assert_refused(answer, 401, 10045, "UNAUTHENTICATED", message)


def test_an_unknown_access_key_is_refused(jd: JdClient, product: Product) -> None:
    answer = product.call(replace(jd, access_key="MISSING"))
    product.assert_refused(answer, 401, 10001, "UNAUTHENTICATED", "错误的请求appkey")


def test_a_wrong_secret_is_refused(jd: JdClient, product: Product) -> None:
    product.assert_refused(product.call(replace(jd, secret="guess")), *BAD_SIGNATURE)


def test_a_disabled_account_is_refused(jd: JdClient, product: Product, accounts: Accounts) -> None:
    name = f"off-{product.name}"
    accounts.create(name, enabled=False)
    product.assert_refused(product.call(caller(jd, name)), 403, 10050, "HTTP_FORBIDDEN", "用户已被禁用")


def test_an_account_without_this_api_is_refused(jd: JdClient, product: Product, accounts: Accounts) -> None:
    name = f"other-{product.name}"
    accounts.create(name, apis=frozenset({"aid"}))
    product.assert_refused(product.call(caller(jd, name)), 403, 10048, "HTTP_FORBIDDEN", "无接口权限，请下单购买")


def test_the_daily_quota_counts_only_what_was_served(jd: JdClient, product: Product, accounts: Accounts) -> None:
    name = f"two-{product.name}"
    accounts.create(name, daily_quota=2)
    poor = caller(jd, name)
    assert poor.cutout(b"", product.path).status == 200  # nothing to cut out: reported in the body, and not counted
    assert [product.call(poor).json["result"]["status"] for _ in range(2)] == [product.done] * 2
    answer = product.call(poor)
    product.assert_refused(answer, 429, 10040, "QUOTA_EXCEEDED", "超过每天限量，请明天继续")


def test_the_rate_limit_refuses_the_call_that_exceeds_it(jd: JdClient, product: Product, accounts: Accounts) -> None:
    name = f"slow-{product.name}"
    accounts.create(name, qps=0.01)
    slow = caller(jd, name)
    assert product.call(slow).status == 200
    message = "超过QPS限额，请降低调用频率或与京东智联云联系"
    product.assert_refused(product.call(slow), 429, 10043, "RATE_LIMIT_EXCEEDED", message)


def test_the_rate_over_all_accounts_has_a_code_of_its_own(faulty: FaultyCloud, product: Product) -> None:
    jd = JdClient(faulty.url)
    with faulty.busy_service():
        answer = product.call(jd)
    product.assert_refused(answer, 429, 10044, "RATE_LIMIT_EXCEEDED", "集群QPS超限额，请与京东智联云联系")
    assert product.call(jd).status == 200
