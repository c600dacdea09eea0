"""The REST API, made from the registry of services and queries. Errors are RFC 9457 problem documents."""

from __future__ import annotations

import hashlib
import inspect
import json
import logging
import uuid
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _
from ninja import Body, NinjaAPI, Path, Query
from ninja.errors import ValidationError as NinjaValidationError
from pydantic import BaseModel, ConfigDict, create_model

from gongshu import __version__
from gongshu.engine.suite import open_, seal
from gongshu.journal.models import Answered
from gongshu.journal.registry import OPERATIONS, Operation
from gongshu.kernel.errors import Conflict, Invalid, Refused

from .auth import Session, Token, actor_of

log = logging.getLogger(__name__)

api = NinjaAPI(
    title="Gongshu 公数",
    version=__version__,
    description="公共数据管理平台接口。每个操作与控制台、命令行是同一个服务。",
    auth=[Token(), Session()],
    docs_url=None,
    urls_namespace="api",
)


def plain(value: Any) -> Any:
    """A service's result as JSON values: models by their `as_dict`, dates as ISO text, decimals as text."""
    if hasattr(value, "as_dict"):
        return plain(value.as_dict())
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(v) for v in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def problem(request: HttpRequest, document: dict[str, Any]) -> HttpResponse:
    """An RFC 9457 answer; `type` is a stable URN, `instance` names this one occurrence for the log."""
    document = {
        "type": f"urn:gongshu:problem:{document.get('code', 'error')}",
        **document,
        "instance": f"urn:uuid:{uuid.uuid4()}",
    }
    return HttpResponse(
        json.dumps(document, ensure_ascii=False),
        status=document["status"],
        content_type="application/problem+json",
    )


@api.exception_handler(Refused)
def on_refused(request: HttpRequest, error: Refused) -> HttpResponse:
    """A refusal, with its field and clause."""
    return problem(request, error.as_dict())


@api.exception_handler(NinjaValidationError)
def on_invalid(request: HttpRequest, error: NinjaValidationError) -> HttpResponse:
    """Input that does not have the form of the operation."""
    fields = {str(e["loc"][-1]): e["msg"] for e in error.errors}
    title = _("请求内容不符合接口格式，请核对：%(fields)s。") % {"fields": "、".join(fields)}
    return problem(request, {"title": title, "status": 422, "code": "invalid", "fields": fields})


@api.exception_handler(Exception)
def on_error(request: HttpRequest, error: Exception) -> HttpResponse:
    """Anything unforeseen: logged with a number the caller can quote; nothing of the inside is shown."""
    number = str(uuid.uuid4())
    log.exception("unforeseen error %s", number, exc_info=error)
    title = _("系统内部错误，请把编号 %(number)s 告知管理员。") % {"number": number}
    return problem(request, {"title": title, "status": 500, "code": "internal"})


def _annotation(parameter: inspect.Parameter) -> tuple[Any, Any]:
    default = ... if parameter.default is inspect.Parameter.empty else parameter.default
    return parameter.annotation, default


def _view(operation: Operation) -> Any:
    in_path = {n for n in operation.parameters if "{" + n + "}" in operation.path}
    rest: dict[str, Any] = {n: _annotation(p) for n, p in operation.parameters.items() if n not in in_path}
    stem = "".join(part.title() for part in operation.name.replace(".", "_").split("_"))
    strict = ConfigDict(extra="forbid")
    schema: type[BaseModel] | None = create_model(f"{stem}Input", __config__=strict, **rest) if rest else None

    def view(request: HttpRequest, **given: Any) -> Any:
        payload = given.pop("payload", None)
        values = {n: getattr(payload, n) for n in rest} if payload is not None else {}
        with translation.override(_language(request)):
            return once(request, operation, {**given, **values})

    parameters = [inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    for name in in_path:
        annotation, _default = _annotation(operation.parameters[name])
        parameters.append(_keyword(name, annotation, Path(...)))
    if schema is not None:
        place = Query(...) if operation.method == "GET" else Body(...)
        parameters.append(_keyword("payload", schema, place))
    view.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    view.__annotations__ = {p.name: p.annotation for p in parameters[1:]}
    view.__name__ = operation.name.replace(".", "_")
    return view


def once(request: HttpRequest, operation: Operation, values: dict[str, Any]) -> Any:
    """Run the operation; a write whose Idempotency-Key has been answered before gets that answer again instead."""
    actor = actor_of(request)
    key = request.headers.get("Idempotency-Key", "")
    if not (operation.writes and key):
        return plain(operation.function(actor=actor, **values))
    if len(key) > 100:
        raise Invalid(_("Idempotency-Key 不能超过 100 个字符。"))
    asked = hashlib.sha256(json.dumps([operation.name, plain(values)], sort_keys=True).encode()).hexdigest()
    with transaction.atomic():
        # A second request with the key waits here until the first has committed or failed.
        Answered.objects.bulk_create(
            [Answered(account_id=actor.row, key=key, request=asked)], ignore_conflicts=True
        )
        kept = Answered.objects.select_for_update().get(account_id=actor.row, key=key)
        if kept.request != asked:
            raise Conflict(_("这个 Idempotency-Key 已用于另一个请求，请换一个。"))
        bound = f"answered:{actor.account_id}:{key}".encode()
        if kept.answer:
            return json.loads(open_(settings.GONGSHU_MASTER_KEY(), kept.answer, bound))
        answer = plain(operation.function(actor=actor, **values))
        kept.answer = seal(settings.GONGSHU_MASTER_KEY(), json.dumps(answer).encode(), bound)
        kept.save(update_fields=["answer"])
    return answer


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _language(request: HttpRequest) -> str:
    return translation.get_language_from_request(request)


def build() -> NinjaAPI:
    """Add a route for every registered operation; called once, when the addresses are first needed."""
    for operation in sorted(OPERATIONS.values(), key=lambda o: (o.path, o.method)):
        api.api_operation(
            [operation.method],
            operation.path,
            response=Any,
            operation_id=operation.name,
            summary=operation.summary,
            description=inspect.getdoc(operation.function) or "",
            tags=[operation.name.split(".")[0]],
        )(_view(operation))
    return api


build()
