"""What the county's entries say, and how far each has come: the plan the loader carries out through the services."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from gongshu.catalog.vocabulary import acquisition_ways, collect_modes
from gongshu.packs import Pack

from .acting import LAW
from .datasets import DATASETS, Dataset
from .shapes import SOURCES

TABLES: dict[str, Dataset] = {d.code: d for d in DATASETS}

DEMO = "mz_jz"
"""The system that is left for people to register themselves."""


@dataclass(frozen=True)
class Plan:
    """How one entry is stated and how far it gets.

    goal: draft, reviewing, returned, published or collected. light: of the limit that then runs. ago: working days
    since the first collection.
    """

    code: str
    share: str
    cycle: str
    category: str
    goal: str
    light: str = "green"
    ago: int = 20
    open: str = "conditional"

    @property
    def dataset(self) -> Dataset:
        """The table it describes."""
        return TABLES[self.code]

    @property
    def unit(self) -> str:
        """The unit whose entry it is."""
        return SOURCES[self.dataset.source].unit


def _plans(text: str) -> tuple[Plan, ...]:
    rows = []
    for line in text.strip().splitlines():
        code, share, cycle, category, goal, *rest = line.split()
        extra = dict(part.split("=") for part in rest)
        told: dict[str, Any] = {k: int(v) if k == "ago" else v for k, v in extra.items()}
        rows.append(Plan(code, share, cycle, category, goal, **told))
    return tuple(rows)


PLANS = _plans("""
ga_rk.rk_jbxx          conditional   monthly   base  collected ago=6
ga_rk.hj_bd            conditional   monthly   base  collected ago=14
ga_rk.jzz              conditional   quarterly unit  collected ago=10
ga_rk.jdc              conditional   yearly    unit  published
mz_hy.hy_dj            conditional   monthly   base  collected ago=4
mz_hy.yl_jg            unconditional yearly    theme collected ago=12 open=unconditional
mz_hy.yl_bt            conditional   monthly   theme reviewing light=yellow
rs_sb.cb_xx            conditional   quarterly theme collected ago=9
rs_sb.yl_ff            conditional   quarterly theme collected ago=3
rs_sb.sbk              conditional   yearly    theme published
rs_jy.jy_dj            conditional   quarterly theme collected ago=8
rs_jy.sy_dj            conditional   monthly   theme returned
sj_zt.qy_dj            unconditional monthly   base  collected ago=5 open=unconditional
sj_zt.gt_dj            conditional   yearly    base  collected ago=18
sj_zt.sp_xk            unconditional quarterly unit  collected ago=2 open=unconditional
sj_zt.tz_sb            conditional   quarterly unit  reviewing light=red
wj_ws.cs_yx            conditional   quarterly base  collected ago=7
wj_ws.sw_yx            conditional   monthly   base  reviewing light=green
wj_ws.jm_da            none          yearly    theme published open=none
wj_jg.医疗机构         unconditional yearly    unit  collected ago=11 open=unconditional
jy_xj.xx_xx            unconditional yearly    unit  collected ago=15 open=unconditional
jy_xj.xs_xj            conditional   yearly    theme collected ago=13
jy_xj.js_zg            conditional   yearly    unit  draft
zj_bz.公租房           conditional   yearly    theme collected ago=16
zj_bz.物业企业         unconditional yearly    unit  returned open=unconditional
sw_qs.water_stations   unconditional yearly    unit  collected ago=17 open=unconditional
sw_sz.water_quality    unconditional daily     theme collected ago=19 open=unconditional
cl_cj.残疾人           conditional   monthly   base  collected ago=1
cl_cj.辅具             conditional   yearly    unit  draft
yb_cb.yb_cb            conditional   quarterly theme published
yb_cb.dd_jg            unconditional yearly    unit  reviewing light=green open=unconditional
yb_cb.yl_jz            conditional   yearly    theme draft
jd_wg.wg_yh            conditional   yearly    unit  draft
jd_wg.dj_lr            conditional   yearly    theme returned
zr_bdc.bdc_dj          conditional   yearly    base  published
zr_bdc.jsyd            unconditional yearly    unit  reviewing light=yellow open=unconditional
""")

BY_HAND = (
    (
        "jd",
        "社区公共视频点位信息",
        "公共安全视频监控点位台账",
        "media",
        ("点位编号", "点位名称", "所在位置", "建设单位"),
    ),
    ("sw", "河道水位实时监测信息", "防汛水位遥测", "stream", ("站点编号", "监测时间", "水位", "流量")),
    ("zr", "国土空间规划图层信息", "国土空间规划管理", "spatial", ("图斑编号", "用地性质", "面积", "坐标串")),
    ("ga", "道路卡口过车信息", "道路交通管理", "stream", ("卡口编号", "过车时间", "号牌种类", "车道")),
)
"""Entries without a table, compiled by hand and still drafts: unit, name, business, kind of resource, items."""


def stated(plan: Plan, pack: Pack, until: date) -> dict[str, Any]:
    """The canonical fields of an entry, complete under any pack."""
    return {
        "name": plan.dataset.label,
        "summary": f"{plan.dataset.label}，由{SOURCES[plan.dataset.source].system}产生，按{_CYCLES[plan.cycle]}更新。",
        "category": plan.category,
        "update_cycle": plan.cycle,
        "share_type": plan.share,
        "share_mode": "api",
        "share_term": until.isoformat(),
        "open_type": plan.open,
        "collect_mode": str(collect_modes(pack)[0][0]),
        "acquisition_way": str(acquisition_ways(pack)[0][0]),
        "security_level": 3 if plan.share != "unconditional" else 1,
        **_conditions(plan),
    }


_CYCLES = {"daily": "日", "weekly": "周", "monthly": "月", "quarterly": "季度", "yearly": "年"}


def _conditions(plan: Plan) -> dict[str, Any]:
    if plan.share == "unconditional":
        return {}
    if plan.share == "none":
        return {"share_reason": "含个人健康医疗信息，按规定不予共享。", "legal_basis": LAW}
    return {
        "share_condition": "仅用于履行法定职责的核验和审批，不得留存，不得转供",
        "share_scope": "县级各部门业务经办人员",
        "use_purpose": "行政审批核验、待遇资格审核、救助帮扶",
        "share_reason": "含个人信息，共享须限定范围和用途。",
        "legal_basis": LAW,
    }
