"""The JD API gateway's system errors, common to every JD product behind it (contracts.md 1.5 and 1.6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cutline.contracts.wire import Request, Response, json_response
from cutline.errors import Reason

SUCCESS = 10000


@dataclass(frozen=True)
class GatewayError:
    """One row of the system table: HTTP status, `code`, `error.status` and the published `msg`."""

    http_status: int
    code: int
    status: str
    message: str


_UNKNOWN_KEY = GatewayError(401, 10001, "UNAUTHENTICATED", "错误的请求appkey")
_BAD_SIGNATURE = GatewayError(401, 10047, "UNAUTHENTICATED", "请求签名sign无效，请检查签名信息")
_NOT_FOUND = GatewayError(404, 10003, "NOT_FOUND", "不存在相应的数据信息")

SYSTEM_ERRORS: Mapping[Reason, GatewayError] = {
    Reason.KEY_MISSING: GatewayError(401, 10004, "UNAUTHENTICATED", "URL上appkey参数不能为空"),
    Reason.SIGNATURE_MISSING: GatewayError(401, 10042, "UNAUTHENTICATED", "URL上sign参数不能为空"),
    Reason.DATE_MISSING: GatewayError(401, 10041, "UNAUTHENTICATED", "URL上timestamp参数不能为空"),
    Reason.DATE_MALFORMED: GatewayError(401, 10046, "UNAUTHENTICATED", "timestamp参数格式错误"),
    Reason.DATE_SKEWED: GatewayError(
        401, 10045, "UNAUTHENTICATED", "timestamp参数无效，请检查timestamp距离当前时间是否超过5分钟"
    ),
    Reason.KEY_UNKNOWN: _UNKNOWN_KEY,
    Reason.SIGNATURE_WRONG: _BAD_SIGNATURE,
    Reason.NONCE_REPLAYED: _BAD_SIGNATURE,
    Reason.ACCOUNT_DISABLED: GatewayError(403, 10050, "HTTP_FORBIDDEN", "用户已被禁用"),
    Reason.API_NOT_ALLOWED: GatewayError(403, 10048, "HTTP_FORBIDDEN", "无接口权限，请下单购买"),
    # Cutline's own: JD's gateway knows no Idempotency-Key.
    Reason.IDEMPOTENCY_MISMATCH: GatewayError(409, 10061, "CONFLICT", "Idempotency-Key已用于其他请求"),
    Reason.QUOTA_EXCEEDED: GatewayError(429, 10040, "QUOTA_EXCEEDED", "超过每天限量，请明天继续"),
    Reason.RATE_EXCEEDED: GatewayError(
        429, 10043, "RATE_LIMIT_EXCEEDED", "超过QPS限额，请降低调用频率或与京东智联云联系"
    ),
    Reason.SERVICE_RATE_EXCEEDED: GatewayError(429, 10044, "RATE_LIMIT_EXCEEDED", "集群QPS超限额，请与京东智联云联系"),
    Reason.METHOD_NOT_ALLOWED: _NOT_FOUND,
    Reason.NOT_FOUND: _NOT_FOUND,
    Reason.OVERLOADED: GatewayError(503, 10020, "UNAVAILABLE", "系统繁忙，请稍后再试"),
    Reason.INTERNAL: GatewayError(500, 11010, "INTERNAL", "发布方接口调用异常，请稍后再试"),
    Reason.STORE_FAILED: GatewayError(500, 11010, "INTERNAL", "发布方接口调用异常，请稍后再试"),
    Reason.MODEL_FAILED: GatewayError(500, 11010, "INTERNAL", "发布方接口调用异常，请稍后再试"),
}


def codes(errors: Mapping[Reason, tuple[int, str]]) -> dict[Reason, str]:
    """Return a product's answer for each reason, as text: its own status where it has one, or the gateway's code."""
    own = {reason: str(status) for reason, (status, _) in errors.items()}
    return own | {reason: str(row.code) for reason, row in SYSTEM_ERRORS.items() if reason not in own}


def gateway_envelope(request: Request, error: GatewayError) -> dict[str, Any]:
    """Both published envelopes in one body, so that either kind of client finds its fields."""
    return {
        "requestId": request.request_id,
        "error": {"code": error.http_status, "status": error.status, "message": error.message},
        "code": error.code,
        "msg": error.message,
        "result": None,
    }


def gateway_response(
    request: Request, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    """Return a JSON answer with the gateway's own request id, in a header and next to `result`.

    Without it JD's SDKs return no `result`, even of a success.
    """
    own = {"x-jdcloud-request-id": request.request_id}
    return json_response(status, {"requestId": request.request_id, **body}, {**own, **(headers or {})})
