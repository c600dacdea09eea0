"""What the commands list: accounts with their posts, stores with how they are reached."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings

from gongshu.org.models import Account
from gongshu.org.selectors import CURRENT, posts_on
from gongshu.runner.errors import tell

from . import stores
from .catalogue import DEMO
from .datasets import SOURCES, Source


def accounts() -> Iterator[tuple[str, str, list[str]]]:
    """User name, unit and kinds of post of every account that holds one today."""
    for account in Account.objects.filter(is_active=True).order_by("pk"):
        posts = list(account.posts.filter(posts_on(CURRENT)).select_related("unit"))
        if posts:
            yield account.username, posts[0].unit.name, [p.kind for p in posts]


def sources() -> Iterator[str]:
    """A paragraph for each store, the one left for people to register first."""
    for source in sorted(SOURCES.values(), key=lambda s: s.code != DEMO):
        if not stores.available(source):
            yield tell(
                f"{source.system}（{source.unit}）：需要 MariaDB，本机未运行",
                f"{source.system_en} ({source.unit}): needs MariaDB, which does not run here",
            )
            continue
        yield _told(source)


def _told(source: Source) -> str:
    spec = stores.spec(source, settings.GONGSHU_FILES_ROOT)
    mark = tell("  ← 留给演示登记", "  <- left for you to register") if source.code == DEMO else ""
    lines = [f"{source.system} / {source.system_en}（{source.unit}_steward）{mark}"]
    if spec.path:
        path = spec.path.removeprefix(f"{source.unit}/")
        lines.append(
            f"    kind={spec.kind} path={path}" + (f" encoding={source.encoding}" if source.encoding else "")
        )
    else:
        lines.append(
            f"    kind={spec.kind} host={spec.host} port={spec.port} database={spec.database} "
            f"user={spec.user} password={spec.password}"
        )
    tables = "、".join(f"{d.table}（{d.label}，{d.rows:,}）" for d in stores.of_source(source))
    lines.append(f"    {tables}")
    return "\n".join(lines)
