"""Running procedures: open a case, make a move. The only writer of cases."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from gongshu.journal import clock as time
from gongshu.journal.models import Event
from gongshu.journal.services import Actor, event_append, service
from gongshu.kernel import procedure as kernel
from gongshu.kernel.clause import Basis
from gongshu.kernel.errors import Conflict, Invalid, NotAllowed, Refused
from gongshu.kernel.ids import case_number
from gongshu.org.models import Unit
from gongshu.org.policy import current_pack, explain, may

from . import clocks
from .models import Case, Notice, PackVersion, Party, Turn
from .registry import DECLARED, pack_of, pack_version, procedure_of
from .selectors import case_get

MOVED = "case.moved"
OPENED = "case.opened"


def case_open(
    *,
    actor: Actor,
    procedure: str,
    subject: tuple[str, str, str],
    parties: dict[str, Unit],
    data: dict[str, Any] | None = None,
    version: PackVersion | None = None,
    basis: Basis | None = None,
) -> Case:
    """Open a case of a procedure about a subject (type, id, title), in the caller's transaction.

    parties: the unit for each role that moves or owns clocks. The pack in force is kept with the case (`version` to
    begin under another). basis: what it is opened on; by default `Procedure.opened_on`. One open case per
    procedure and subject: a second one is a Conflict.
    """
    held = version or pack_version(current_pack())
    declared = procedure_of(procedure, pack_of(held))
    missing = [r for r in declared.roles if r not in parties]
    if missing:
        raise Refused(
            _("办件缺少承办单位：规则包中的角色 %(roles)s 还没有对应的单位，请系统管理员先行指定。")
            % {"roles": "、".join(missing)}
        )
    case = Case(
        procedure=procedure,
        pack_version=held,
        state=declared.initial,
        title=subject[2],
        subject_type=subject[0],
        subject_id=subject[1],
        pending=list(declared.state(declared.initial).all_of),
        data=data or {},
        opened_at=time.now(),
    )
    case.number = case_number(declared.prefix, time.today(), _next_number())
    try:
        with transaction.atomic():
            case.save(force_insert=True)
    except IntegrityError:
        raise Conflict(_("该事项已有一个办理中的办件，请先办结或撤回。")) from None
    Party.objects.bulk_create(Party(case=case, role=role, unit=unit) for role, unit in parties.items())
    event_append(
        actor=actor,
        type=OPENED,
        subject=("case", case.number, case.title),
        unit=_initiator(parties),
        case=case.pk,
        basis=basis or declared.opened_on(),
        pack=str(held),
        body={
            "procedure": procedure,
            "state": case.state,
            "subject": list(subject[:2]),
            "parties": {role: unit.code for role, unit in parties.items()},
        },
    )
    _settle(case, declared, None, actor)
    return case


def _next_number() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('casework_case_number')")
        return int(cursor.fetchone()[0])


def _initiator(parties: dict[str, Unit]) -> int | None:
    first = next(iter(parties.values()), None)
    return first.pk if first else None


@service("case.act", "POST", "/cases/{case}/moves/{move}", summary="办理：对办件作出一个动作")
def case_act(
    *, actor: Actor, case: str, move: str, given: dict[str, Any] | None = None, version: int | None = None
) -> Case:
    """Make a move of a case as a person. version: the case version the person saw; another one is a Conflict."""
    found = case_get(actor=actor, number=case)
    if version is not None and version != found.version:
        raise Conflict(_("办件已被他人办理，请刷新后再试。"))
    return case_move(actor=actor, case=found, move=move, given=given or {})


def case_move(*, actor: Actor, case: Case, move: str, given: dict[str, Any]) -> Case:
    """Make a move: permission, two people, fields, guards, compare-and-swap, event, effects, clocks, turns.

    Runs in the caller's transaction; returns the case as it then stands. Refused, NotAllowed or Conflict otherwise.
    """
    case = Case.objects.select_for_update(of=("self",)).select_related("pack_version").get(pk=case.pk)
    declared = procedure_of(case.procedure, pack_of(case.pack_version))
    step = _step(declared, case, move)
    role = acting_role(case, step, actor)
    clean = fields_clean(step, given)
    hooks = DECLARED[case.procedure]
    for guard in step.guards:
        hooks.guards[guard](case, actor, clean)
    before = case.state
    _swap(case, declared, step, role)
    event_append(
        actor=actor,
        type=MOVED,
        subject=("case", case.number, case.title),
        unit=_unit_of(case, role),
        case=case.pk,
        basis=step.basis,
        pack=str(case.pack_version),
        body={"move": move, "role": role, "from": before, "to": case.state, "given": clean},
    )
    for effect in step.effects:
        _effect(effect, hooks, case, actor, clean)
    _settle(case, declared, before, actor)
    return case


def _step(declared: kernel.Procedure, case: Case, move: str) -> kernel.Move:
    try:
        return declared.move(move, case.state)
    except KeyError:
        label = declared.state(case.state).label
        raise Conflict(
            _("办件目前处于“%(state)s”环节，不能作此办理；请刷新页面查看最新状态。") % {"state": label}
        ) from None


def acting_role(case: Case, step: kernel.Move, actor: Actor) -> str:
    """The role in which the actor may make this move, or the reason why not."""
    if actor.via == "system":
        if kernel.SYSTEM_ROLE in step.by:
            return kernel.SYSTEM_ROLE
        raise NotAllowed(_("该办理须由人员作出。"))
    _two_people(case, step, actor)
    candidates = [r for r in step.by if r != kernel.SYSTEM_ROLE]
    if step.joint:
        candidates = [r for r in candidates if r in case.pending]
    for role in candidates:
        unit = case.party(role)
        if unit and may(actor, step.action, unit):
            return role
    unit = case.party(candidates[0]) if candidates else None
    if step.joint and not candidates:
        raise Conflict(_("您所在一方已经签署意见，正等待另一方。"))
    raise NotAllowed(explain(actor, step.action, unit).reason, basis=step.basis)


def _two_people(case: Case, step: kernel.Move, actor: Actor) -> None:
    mine = Event.objects.filter(case_id=case.pk, actor_id=actor.account_id)
    moved = [m for m in step.not_by_actor_of if m != "open"]
    earlier = bool(moved) and mine.filter(type=MOVED, body__move__in=moved).exists()
    opened = "open" in step.not_by_actor_of and mine.filter(type=OPENED).exists()
    # In a joint state each side signs by a person of its own: a step that stayed in the state was a signature.
    signed = step.joint and mine.filter(type=MOVED, body__from=case.state, body__to=case.state).exists()
    if earlier or opened or signed:
        raise NotAllowed(_("经办与审核、会签各方须由不同人员办理，请由另一名有权限的人员办理。"))


def _swap(case: Case, declared: kernel.Procedure, step: kernel.Move, role: str) -> None:
    target, pending = declared.after(case.state, tuple(case.pending), step, role)
    state = declared.state(target)
    changed = {
        "state": target,
        "pending": list(pending),
        "version": case.version + 1,
        "outcome": state.outcome if state.final else "",
        "closed_at": time.now() if state.final else None,
    }
    swapped = Case.objects.filter(pk=case.pk, state=case.state, version=case.version).update(**changed)
    if not swapped:
        raise Conflict(_("办件已被他人办理，请刷新后再试。"))
    for name, value in changed.items():
        setattr(case, name, value)


def _effect(effect: str, hooks: Any, case: Case, actor: Actor, given: dict[str, Any]) -> None:
    name, _colon, argument = effect.partition(":")
    if name == "clock_extend":
        clocks.clock_extend(case, argument, actor)
    elif name == "clock_end":
        clocks.clock_end(case, argument)
    elif name == "clock_set":
        clocks.clock_set(case, argument, date.fromisoformat(given["due_on"]), actor)
    elif name == "keep":
        case.data[argument] = given.get(argument)
        case.save(update_fields=["data"])
    else:
        hooks.effects[effect](case, actor, given)


def _unit_of(case: Case, role: str) -> int | None:
    unit = case.party(role)
    return unit.pk if unit else None


def _settle(case: Case, declared: kernel.Procedure, before: str | None, actor: Actor) -> None:
    """After a change of state: clocks, whose turn it is, and who is told."""
    clocks.clocks_follow(case, declared, before, actor)
    case.turns.all().delete()
    running = {c.owner: c for c in case.clocks.filter(ended_at__isnull=True).order_by("-due_on")}
    for role, moves in declared.awaited(case.state).items():
        moves = [m for m in moves if not m.joint or role in case.pending]
        unit = case.party(role)
        if unit is None or not moves:
            continue
        for action in {m.action for m in moves}:
            Turn.objects.create(
                case=case,
                role=role,
                unit=unit,
                action=action,
                moves=[m.name for m in moves if m.action == action],
                since=time.now(),
                clock=running.get(role),
            )
        if case.state != before:
            Notice.objects.create(unit=unit, case=case, kind=Notice.Kind.TURN)
    if case.closed_at:
        units = {p.unit_id for p in case.parties.all()}
        Notice.objects.bulk_create(Notice(unit_id=u, case=case, kind=Notice.Kind.DECIDED) for u in units)


def fields_clean(step: kernel.Move, given: dict[str, Any]) -> dict[str, Any]:
    """The fields of a move as plain JSON values, or Invalid naming every field that is missing or wrong."""
    clean: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    basis: Basis | None = None
    for field in step.fields:
        try:
            value = _clean(field, given.get(field.name))
        except ValueError as error:
            wrong[field.name] = str(error)
            basis = basis or field.clause
            continue
        if value in (None, "", [], {}):
            if field.required:
                wrong[field.name] = _("请填写“%(label)s”。") % {"label": field.label}
                basis = basis or field.clause
        else:
            clean[field.name] = value
    unknown = sorted(set(given) - {f.name for f in step.fields})
    if unknown:
        wrong[unknown[0]] = _("该办理没有“%(name)s”这一项。") % {"name": unknown[0]}
    if wrong:
        raise Invalid(
            "；".join(wrong.values()), fields=wrong, field=next(iter(wrong)), basis=basis or step.basis
        )
    return clean


def _clean(field: kernel.Field, value: Any) -> Any:
    if value in (None, "", [], {}):
        return None
    if field.kind == "bool":
        return value in (True, "true", "on", "1", 1)
    if field.kind == "int":
        return int(value)
    if field.kind == "date":
        try:
            return date.fromisoformat(str(value)).isoformat()
        except ValueError:
            raise ValueError(_("“%(label)s”应为日期，如 2026-12-01。") % {"label": field.label}) from None
    if field.kind == "choice" and str(value) not in {v for v, _label in field.choices}:
        raise ValueError(_("“%(label)s”没有这个选项：%(value)s。") % {"label": field.label, "value": value})
    if field.kind == "choices":
        values = value if isinstance(value, list) else [value]
        stray = [v for v in values if v not in {c for c, _label in field.choices}]
        if stray:
            raise ValueError(
                _("“%(label)s”没有这个选项：%(value)s。") % {"label": field.label, "value": stray[0]}
            )
        return values
    if field.kind == "basis":
        return _clean_basis(field, value)
    if field.kind == "json":
        return value
    text = str(value).strip()
    if len(text) > 4000:
        raise ValueError(_("“%(label)s”不能超过 4000 字。") % {"label": field.label})
    return text


def _clean_basis(field: kernel.Field, value: Any) -> dict[str, str]:
    """A legal basis: {rank, document, article}. A rank the pack does not accept is refused."""
    if not isinstance(value, dict):
        raise ValueError(_("“%(label)s”须写明效力层级、文件名称和条款。") % {"label": field.label})
    told = {key: str(value.get(key, "")).strip() for key in ("rank", "document", "article")}
    if not any(told.values()):
        return {}
    accepted = {v for v, _label in field.choices}
    if told["rank"] not in accepted:
        raise ValueError(
            _("法律依据的效力层级“%(rank)s”不被接受；可以是：%(accepted)s。")
            % {"rank": told["rank"] or _("未填"), "accepted": "、".join(sorted(accepted))}
        )
    if not told["document"] or not told["article"]:
        raise ValueError(_("“%(label)s”须写明文件名称和条款。") % {"label": field.label})
    return told
