"""The procedures as pages of the documentation, made from their declarations."""

from __future__ import annotations

from gongshu.kernel.procedure import OVERDUE, Procedure, mermaid
from gongshu.packs import Pack, packs

from .registry import DECLARED, procedure_of


def pages() -> dict[str, str]:
    """File name -> Markdown: one page for each procedure, with a diagram for each different shape under the packs."""
    made = {f"{name}.md": _page(name) for name in sorted(DECLARED)}
    lines = ["# 办理流程", "", "由流程声明生成，请勿手改；`gongshu procedures` 重新生成。", ""]
    for name in sorted(DECLARED):
        label = next(iter(_variants(name).values()))[1].label
        lines.append(f"- [{label}]({name}.md)（`{name}`）")
    made["README.md"] = "\n".join(lines) + "\n"
    return made


def _variants(name: str) -> dict[str, tuple[list[Pack], Procedure]]:
    """Diagram text -> the packs that share it."""
    found: dict[str, tuple[list[Pack], Procedure]] = {}
    for pack in packs().values():
        procedure = procedure_of(name, pack)
        found.setdefault(mermaid(procedure), ([], procedure))[0].append(pack)
    return found


def _page(name: str) -> str:
    variants = _variants(name)
    label = next(iter(variants.values()))[1].label
    lines = [f"# {label}", "", f"`{name}`。由流程声明生成，请勿手改。", ""]
    for diagram, (held, procedure) in variants.items():
        lines += [
            "## " + "、".join(pack.name for pack in held),
            "",
            "```mermaid",
            diagram.rstrip(),
            "```",
            "",
        ]
        lines += _moves(procedure) + _clocks(procedure)
    return "\n".join(lines)


def _moves(procedure: Procedure) -> list[str]:
    rows = ["| 环节 | 动作 | 谁 | 到 | 依据 |", "| --- | --- | --- | --- | --- |"]
    for move in procedure.moves:
        source = "、".join(str(procedure.state(s).label) for s in move.sources)
        basis = "、".join(move.basis.clauses) or f"本地制度未规定（{move.basis.source}）"
        target = procedure.state(move.target).label
        rows.append(f"| {source} | {move.label} | {'、'.join(move.by)} | {target} | {basis} |")
    return [*rows, ""]


def _clocks(procedure: Procedure) -> list[str]:
    if not procedure.clocks:
        return []
    rows = ["| 时限 | 长度 | 谁 | 到期后 | 依据 |", "| --- | --- | --- | --- | --- |"]
    unit = {"wd": "个工作日", "d": "日", "y": "年"}
    for clock in procedure.clocks:
        basis = "、".join(clock.basis.clauses) or f"本地制度未规定（{clock.basis.source}）"
        ahead = "提前 " if clock.direction == "before" else ""
        longest = f"，可延长至 {clock.extend_to}" if clock.extend_to else ""
        lapse = (
            "超期提醒、升级、计数"
            if clock.on_lapse == OVERDUE
            else f"自动：{procedure.move(clock.on_lapse).label}"
        )
        length = f"{ahead}{clock.days} {unit[clock.unit]}{longest}"
        rows.append(f"| {clock.label} | {length} | {clock.owner} | {lapse} | {basis} |")
    return [*rows, ""]
