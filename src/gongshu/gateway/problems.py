"""Every refusal of the gateway: an RFC 9457 problem document that says what to do, in Chinese or English."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

TYPE_PREFIX = "urn:gongshu:problem:"


@dataclass(frozen=True)
class Problem:
    """One kind of refusal. Texts are (Chinese, English); details are str.format templates."""

    status: int
    title: tuple[str, str]
    detail: tuple[str, str]


PROBLEMS: dict[str, Problem] = {}


class Refusal(Exception):
    """A call that gets no data: the kind of problem, facts for its text, further members and headers."""

    def __init__(
        self,
        kind: str,
        *,
        client_id: str = "",
        members: dict[str, Any] | None = None,
        retry_after: int | None = None,
        headers: list[tuple[bytes, bytes]] | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(kind)
        self.kind = kind
        self.client_id = client_id
        self.members = members or {}
        self.retry_after = retry_after
        self.headers = headers or []
        self.facts = facts

    @property
    def status(self) -> int:
        """The HTTP status this refusal is answered with."""
        return PROBLEMS[self.kind].status


def language(accept_language: bytes | None) -> str:
    """``zh`` or ``en``, whichever the caller likes better; Chinese if it does not say."""
    best: dict[str, float] = {}
    for part in (accept_language or b"").decode("latin-1").lower().split(","):
        tag, _, weight = part.strip().partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            continue
        primary = tag.strip().split("-")[0]
        best[primary] = max(best.get(primary, 0.0), quality)
    return "en" if best.get("en", 0.0) > best.get("zh", 0.0) else "zh"


def document(refusal: Refusal, instance: str, lang: str) -> bytes:
    """The problem document as JSON."""
    problem = PROBLEMS[refusal.kind]
    pick = 1 if lang == "en" else 0
    content: dict[str, Any] = {
        "type": TYPE_PREFIX + refusal.kind,
        "title": problem.title[pick],
        "status": problem.status,
        "detail": problem.detail[pick].format(**refusal.facts),
        "instance": instance,
    }
    content.update(refusal.members)
    return orjson.dumps(content)


def _add(kind: str, status: int, title: tuple[str, str], detail: tuple[str, str]) -> None:
    PROBLEMS[kind] = Problem(status, title, detail)


# ---- the request itself
_add(
    "not-found",
    404,
    ("没有这个地址", "No such address"),
    (
        "网关只有 /share/v1/授权编号、/share/v1/授权编号/rows、/quota、/schema 和 /health。请核对地址。",
        "The gateway serves /share/v1/{{grant}}, /share/v1/{{grant}}/rows, /quota, /schema and /health. "
        "Check the address.",
    ),
)
_add(
    "method-not-allowed",
    405,
    ("不支持该方法", "Method not allowed"),
    (
        "此地址只接受 GET，请改用 GET 重新请求。",
        "This address accepts GET only. Send the request again with GET.",
    ),
)
_add(
    "body-too-large",
    413,
    ("请求体过大", "Body too large"),
    (
        "请求体不得超过 {limit} 字节。查询条件请写在地址的查询串里，不要放在请求体中。",
        "The body may not exceed {limit} bytes. Put the look-up into the query string, not into the body.",
    ),
)
_add(
    "body-too-slow",
    408,
    ("请求体发送超时", "The body did not arrive"),
    (
        "请求体在 {seconds} 秒内没有发送完。查询不需要请求体，请去掉后重新签名再发。",
        "The body did not arrive within {seconds} seconds. A look-up needs none: leave it out and sign again.",
    ),
)
_add(
    "query-too-long",
    414,
    ("查询串过长", "Query too long"),
    (
        "查询串不得超过 {limit} 字节，请缩短后重新签名再发。",
        "The query string may not exceed {limit} bytes. Shorten it, sign it anew and send it again.",
    ),
)

# ---- who is calling
_add(
    "missing-header",
    401,
    ("缺少签名请求头", "A signing header is missing"),
    (
        "缺少请求头 {header}。每次请求都要带 X-Client-Id、X-Timestamp、X-Nonce、X-Signature。",
        "Header {header} is missing. Every request carries X-Client-Id, X-Timestamp, X-Nonce and X-Signature.",
    ),
)
_add(
    "bad-header",
    400,
    ("签名请求头格式不对", "A signing header cannot be read"),
    (
        "请求头 {header} 的格式不对。X-Timestamp 是毫秒时间戳；X-Nonce 是 16 至 64 位字母、数字或 . _ ~ -；"
        "X-Signature 是 Base64；X-Case-No 中的汉字按 UTF-8 百分号编码。",
        "Header {header} is malformed. X-Timestamp is milliseconds; X-Nonce is 16 to 64 letters, digits or . _ ~ -; "
        "X-Signature is Base64; characters outside ASCII in X-Case-No are percent-encoded UTF-8.",
    ),
)
_add(
    "stale-timestamp",
    401,
    ("时间戳超出允许范围", "The timestamp is outside the window"),
    (
        "X-Timestamp 与网关时间相差 {off} 秒，允许 {window} 秒。请校准本机时钟（server_time_ms 为网关时间），"
        "用新的时间戳重新签名。",
        "X-Timestamp is {off} seconds away from the gateway's clock; {window} are allowed. Set your clock "
        "(server_time_ms is the gateway's) and sign again with a new timestamp.",
    ),
)
_add(
    "unknown-client",
    401,
    ("调用系统未登记", "Unknown client"),
    (
        "没有编号为 {client} 的调用系统。请核对 X-Client-Id，或在共享门户登记系统后领取密钥。",
        "No calling system is registered as {client}. Check X-Client-Id, or register the system and collect its key.",
    ),
)
_add(
    "bad-signature",
    401,
    ("签名不正确", "The signature does not match"),
    (
        "签名与请求内容不符。请把您签名的字符串与 string_to_sign 逐行比对（方法、路径、查询串、请求体摘要、"
        "编号、时间戳、随机数、办件编号），再核对密钥和算法 {algorithm}。",
        "The signature does not fit the request. Compare the string you signed with string_to_sign line by line "
        "(method, path, query, body digest, client, timestamp, nonce, case number), then the key and algorithm "
        "{algorithm}.",
    ),
)
_add(
    "client-stopped",
    403,
    ("调用系统已停用", "The client is stopped"),
    (
        "调用系统 {client} 已停用。请联系本单位数据专管员或大数据中心了解原因并申请恢复。",
        "Client {client} has been stopped. Ask your data steward or the data center why, and to have it restored.",
    ),
)
_add(
    "replayed",
    401,
    ("请求重复", "The request was sent before"),
    (
        "这个 X-Nonce 已经用过。每次请求（包括重试）都要生成新的随机数并重新签名。",
        "This X-Nonce has been used. Make a new nonce and a new signature for every request, retries included.",
    ),
)

# ---- under which grant
_add(
    "no-such-grant",
    404,
    ("没有这个授权", "No such grant"),
    (
        "您的系统名下没有授权 {grant}。请核对授权编号；如需此数据，请在共享门户提出申请。",
        "Your system holds no grant {grant}. Check the grant number; to get this data, file a request.",
    ),
)
_add(
    "grant-not-yet",
    403,
    ("授权尚未生效", "The grant is not yet in force"),
    (
        "授权 {grant} 自 {since} 起生效，请届时再调用。",
        "Grant {grant} comes into force at {since}. Call again then.",
    ),
)
_add(
    "grant-expired",
    403,
    ("授权已到期", "The grant has expired"),
    (
        "授权 {grant} 已于 {until} 到期。请申请续期，并按约定处置已取得的数据。",
        "Grant {grant} expired at {until}. Apply for a renewal, and dispose of the data you hold as agreed.",
    ),
)
_add(
    "grant-suspended",
    403,
    ("授权已暂停", "The grant is suspended"),
    (
        "授权 {grant} 已暂停。请在办件中查看原因，恢复前请勿重试。",
        "Grant {grant} is suspended. See the case for the reason; do not retry before it is restored.",
    ),
)
_add(
    "grant-revoked",
    403,
    ("授权已撤销", "The grant is revoked"),
    (
        "授权 {grant} 已撤销，不会恢复。请停止调用；仍需要数据的，请重新申请。",
        "Grant {grant} is revoked for good. Stop calling; file a new request if the data is still needed.",
    ),
)
_add(
    "grant-broken",
    503,
    ("授权暂时无法执行", "The grant cannot be carried out"),
    (
        "授权 {grant} 的内容或其数据表有误，平台暂时无法执行。请联系大数据中心，并告知授权编号。",
        "Grant {grant} or its table is faulty and cannot be served now. Tell the data center the grant number.",
    ),
)
_add(
    "mode-not-granted",
    403,
    ("未授权这种查询方式", "This way of asking is not granted"),
    (
        "授权 {grant} 允许的查询方式为：{modes}。请改用允许的方式，或申请变更授权。",
        "Grant {grant} allows: {modes}. Use one of these, or apply for a change of the grant.",
    ),
)

# ---- what is asked
_add(
    "unknown-parameter",
    400,
    ("不认识的参数", "Unknown parameter"),
    (
        "参数 {name} 不在允许之列。允许的参数：{allowed}。未授权或脱敏的信息项不能用作查询条件。",
        "Parameter {name} is not allowed here. Allowed: {allowed}. Items that are not granted or are masked cannot "
        "be used to look up.",
    ),
)
_add(
    "repeated-parameter",
    400,
    ("参数重复", "Repeated parameter"),
    (
        "参数 {name} 出现了不止一次。每个参数只能写一次；多个对象请分次查询。",
        "Parameter {name} occurs more than once. Give each once; look several subjects up one by one.",
    ),
)
_add(
    "bad-query",
    400,
    ("查询串无法解析", "The query cannot be read"),
    (
        "查询串应为 名=值&名=值，使用 UTF-8 百分号编码。请按此格式重新编码并签名。",
        "The query is name=value&name=value in percent-encoded UTF-8. Encode it that way and sign again.",
    ),
)
_add(
    "missing-key",
    400,
    ("缺少查询条件", "No look-up key"),
    (
        "请至少给出一个查询条件：{allowed}。",
        "Give at least one key to look up by: {allowed}.",
    ),
)
_add(
    "bad-value",
    400,
    ("参数值不符合类型", "The value does not fit its type"),
    (
        "参数 {name} 的值应为{type_zh}。请改正后重新签名再发。",
        "The value of {name} must be {type_en}. Correct it, sign anew and send again.",
    ),
)
_add(
    "bad-limit",
    400,
    ("每页行数不对", "Bad limit"),
    ("limit 应为 1 至 {most} 的整数。", "limit is a whole number from 1 to {most}."),
)
_add(
    "bad-after",
    400,
    ("翻页位置不对", "Bad after"),
    (
        "after 应为上一页答复中 next 的值；第一页不要带此参数。",
        "after is the value of next in the page before; leave it out for the first page.",
    ),
)
_add(
    "missing-case-number",
    400,
    ("缺少办件编号", "The case number is missing"),
    (
        "授权 {grant} 要求每次调用写明所办事项。请用请求头 X-Case-No 带上办件编号，并把它作为待签字符串的最后一行。",
        "Grant {grant} asks for the case worked on. Send its number in header X-Case-No and sign it as the last line "
        "of the string to sign.",
    ),
)
_add(
    "over-quota",
    429,
    ("超出调用额度", "Over quota"),
    (
        "授权 {grant} {window_zh}的额度 {limit} 次已用完，请在 {seconds} 秒后再试；额度不足的，请申请变更授权。",
        "Grant {grant} has used its {limit} calls for this {window_en}. Try again in {seconds} seconds; if this is "
        "too little, apply for a change of the grant.",
    ),
)

# ---- the platform's own troubles
_add(
    "unsealed",
    503,
    ("存证中断，暂停服务", "Stopped: records cannot be sealed"),
    (
        "平台的存证已中断过久，按规定暂停共享服务，恢复后自动开放。请稍后再试，无需更改请求。",
        "Records have not been sealed for too long, so sharing is stopped until they are. Try again later; nothing is "
        "wrong with your request.",
    ),
)
_add(
    "unavailable",
    503,
    ("服务暂不可用", "Temporarily unavailable"),
    (
        "网关暂时连不上数据库，正在自动恢复。请在 {seconds} 秒后用新的随机数重试。",
        "The gateway cannot reach its database and is recovering. Retry in {seconds} seconds with a new nonce.",
    ),
)
_add(
    "overloaded",
    503,
    ("请求过多", "Too many requests at once"),
    (
        "网关排队的请求过多。请在 {seconds} 秒后用新的随机数重试，并降低并发。",
        "Too many calls are waiting. Retry in {seconds} seconds with a new nonce and fewer at once.",
    ),
)
