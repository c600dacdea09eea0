"""The county's units, bodies and people, made through the ordinary services as an administrator would."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.contrib.auth.hashers import make_password

from gongshu.console import second_factor
from gongshu.journal.services import SYSTEM
from gongshu.org import services
from gongshu.org.accounts import account_enter
from gongshu.org.lookup import unit_get
from gongshu.org.models import Account, BodyRole, Post, Unit
from gongshu.org.policy import current_pack
from gongshu.org.vocabulary import APPROVERS, BodyKind, PostKind, UnitKind
from gongshu.packs import Pack

from .names import PHONE

PASSWORD = second_factor.SAMPLE_PASSWORD
ROOT = "county"
UPPER = "upper"

REGIONS = {
    "pujiang": "310112",
    "putuo": "310107",
    "zhangye": "620700",
    "xinchang": "330624",
    "chongming": "310151",
}
"""Region code of the place each pack belongs to; a pack that is not named gives its county none."""


@dataclass(frozen=True)
class Office:
    """A department of the county. short: how its people are called."""

    code: str
    name: str
    name_en: str
    short: str
    kind: str = UnitKind.ORGAN


OFFICES = (
    Office("ga", "公安局", "Public Security Bureau", "公安局"),
    Office("mz", "民政局", "Civil Affairs Bureau", "民政局"),
    Office("rs", "人力资源和社会保障局", "Human Resources and Social Security Bureau", "人社局"),
    Office("sj", "市场监督管理局", "Market Supervision Bureau", "市场监管局"),
    Office("wj", "卫生健康委员会", "Health Commission", "卫健委"),
    Office("jy", "教育局", "Education Bureau", "教育局"),
    Office("zj", "住房和城乡建设局", "Housing and Urban-Rural Development Bureau", "住建局"),
    Office("sw", "水务局", "Water Bureau", "水务局"),
    Office("cl", "残疾人联合会", "Disabled Persons' Federation", "残联", UnitKind.REFERENCE),
    Office("yb", "医疗保障局", "Medical Insurance Bureau", "医保局"),
    Office("zr", "自然资源局", "Natural Resources Bureau", "自然资源局"),
    Office("jd", "石桥街道办事处", "Shiqiao Sub-district Office", "石桥街道"),
)

BODIES = {
    BodyKind.AUTHORITY: ("authority", "Data Authority", "主管部门"),
    BodyKind.DATA_CENTER: ("center", "Big Data Center", "大数据中心"),
    BodyKind.OPENING_LEAD: ("opening", "Open Data Office", "开放牵头部门"),
    BodyKind.CYBER: ("cyber", "Cyber Security Office", "网信部门"),
    BodyKind.SECRECY: ("secrecy", "Secrecy Office", "保密部门"),
    BodyKind.LEADING_GROUP: ("group", "Leading Group for Data", "领导小组"),
}
"""Role of the regulation -> code, English name and how its people are called. The police is the county's own (ga)."""

STAFF = (
    ("steward", "专管员甲", (PostKind.STEWARD, PostKind.ISSUE_MANAGER)),
    ("reviewer", "审核人甲", (PostKind.REVIEWER,)),
    ("head", "负责人甲", (PostKind.HEAD, PostKind.SECURITY_HEAD)),
    ("security", "安全员甲", (PostKind.SECURITY,)),
)
"""Ending of the user name, of the display name, and the posts."""

GROUP = (
    ("group_head", "领导小组组长甲", PostKind.GROUP_HEAD),
    ("group_deputy", "领导小组副组长甲", PostKind.GROUP_DEPUTY),
    ("group_member", "领导小组组员甲", PostKind.GROUP_MEMBER),
)
ADMINISTRATORS = (
    ("sysadmin", "系统管理员甲", PostKind.SYSADMIN),
    ("secadmin", "安全管理员甲", PostKind.SECADMIN),
    ("auditor", "审计管理员甲", PostKind.AUDITOR),
)
LACKING = "jd"
"""This office has no security officer and states nothing about itself, so that the page of gaps has something."""


def units_load(start: date) -> None:
    """Make units, bodies, accounts and posts as of `start` (today, where the clock has been moved there)."""
    pack = current_pack()
    region = REGIONS.get(pack.id, "")
    _unit(ROOT, f"{pack.name}（示例）", "Sample county", None, UnitKind.ORGAN, region)
    for office in OFFICES:
        _unit(office.code, office.name, office.name_en, ROOT, office.kind)
    bodies = bodies_of(pack)
    hashed = make_password(PASSWORD)
    for office in OFFICES:
        _staff(office.code, office.code, office.short, hashed, start)
    for role, unit in bodies.items():
        _body(pack, role, unit)
        code, _english, short = BODIES.get(BodyKind(role), ("ga", "", ""))
        if role == BodyKind.LEADING_GROUP:
            for username, name, kind in GROUP:
                _person(username, name, unit, (kind,), hashed, start)
        elif role != BodyKind.POLICE and (code == unit or role == BodyKind.DATA_CENTER):
            # authority and center each have their people, also where they are one unit
            _staff(code, unit, short, hashed, start)
    for username, name, kind in ADMINISTRATORS:
        _person(username, name, ROOT, (kind,), hashed, start)
    for number, sign in enumerate("乙丙丁", start=1):
        _person(f"newcomer{number if number > 1 else ''}", f"待任职人员{sign}", None, (), hashed, start)


def bodies_of(pack: Pack) -> dict[str, str]:
    """Role of the regulation -> code of the unit that holds it here; roles the text does not fill are left out.

    One body named for several roles is one unit, under the code of the first.
    """
    named: dict[str, str] = {}
    held: dict[str, str] = {}
    for role, (code, _english, _short) in BODIES.items():
        name = pack.node(f"bodies.{role}").v
        if name:
            held[role] = named.setdefault(str(name), code)
    if pack.node("bodies.police").v:
        held[BodyKind.POLICE] = "ga"
    return held


def _body(pack: Pack, role: str, code: str) -> None:
    if role != BodyKind.POLICE and not Unit.objects.filter(code=code).exists():
        name = str(pack.node(f"bodies.{role}").v)
        _unit(code, name, BODIES[BodyKind(role)][1], _above(pack, name), UnitKind.ORGAN)
    if not BodyRole.objects.filter(role=role).exists():
        services.body_assign(actor=SYSTEM, role=role, unit=code)


LEVELS = {"province": "省", "city": "市", "district": "区", "county": "县"}


def _above(pack: Pack, name: str) -> str:
    """The county, or the platform above it where the body belongs to a level above (浦江: 区大数据中心 of a town)."""
    if name[0] not in [LEVELS.get(level) for level in pack.node("cascade.up").v]:
        return ROOT
    _unit(UPPER, f"{pack.node('jurisdiction.parent').v}（上级平台）", "Upper platform", None, UnitKind.ORGAN)
    return UPPER


def _unit(code: str, name: str, name_en: str, parent: str | None, kind: str, region: str = "") -> None:
    if Unit.objects.filter(code=code).exists():
        return
    services.unit_create(
        actor=SYSTEM, code=code, name=name, name_en=name_en, parent=parent, kind=kind, region=region
    )
    if parent == ROOT and code != LACKING:
        services.unit_profile(
            actor=SYSTEM,
            unit=code,
            profile={
                "goals": "应编尽编、应归尽归、按需共享",
                "responsibility": "专管员编目归集，审核人审核，负责人总负责",
                "business_section": "办公室（信息化）",
                "security_section": "办公室（保密与网络安全）",
            },
        )


def _staff(prefix: str, unit: str, short: str, hashed: str, start: date) -> None:
    for ending, name, kinds in STAFF:
        if unit == LACKING and PostKind.SECURITY in kinds:
            continue
        given = tuple(
            k for k in kinds if unit != LACKING or k in (PostKind.STEWARD, PostKind.HEAD, PostKind.REVIEWER)
        )
        _person(f"{prefix}_{ending}", f"{short}{name}", unit, given, hashed, start)


def _person(
    username: str, name: str, unit: str | None, kinds: tuple[str, ...], hashed: str, start: date
) -> None:
    account = Account.objects.filter(username=username).first()
    if account is None:
        number = Account.objects.count() + 1
        account = account_enter(
            actor=SYSTEM,
            username=username,
            name=name,
            phone=f"{PHONE}0000{number:04d}",
            password=hashed,
            must_change=False,
        )
    for kind in kinds:
        if unit and not Post.objects.filter(account=account, unit__code=unit, kind=kind).exists():
            services.post_enter(
                actor=SYSTEM, holder=account, unit=unit_get(unit), kind=kind, starts=start, ends=None
            )
    if set(kinds) & set(APPROVERS) and not second_factor.has_one(account):
        second_factor.enroll(account, second_factor.sample_secret(username))
