"""An installation does not start with secrets anybody knows, nor with sample accounts where others can reach them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gongshu.runner import check, config
from gongshu.runner.errors import Unsafe


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GONGSHU_HOME", str(tmp_path))
    monkeypatch.delenv("GONGSHU_SAMPLE", raising=False)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("GONGSHU_LANG", "en")
    config._secrets.cache_clear()
    yield tmp_path
    config._secrets.cache_clear()


def test_a_fresh_installation_is_safe_and_its_secrets_are_its_own(home: Path) -> None:
    assert list(check.faults("0.0.0.0")) == []
    first = config.secret("django")
    assert (home / "secrets.json").stat().st_mode & 0o077 == 0
    assert len(set(json.loads((home / "secrets.json").read_text()).values())) == 5
    (home / "secrets.json").unlink()
    config._secrets.cache_clear()
    assert config.secret("django") != first


@pytest.mark.parametrize("bind", ["0.0.0.0", "192.0.2.7", "::", "county.example"])
def test_a_sample_installation_listens_on_loopback_only(
    home: Path, monkeypatch: pytest.MonkeyPatch, bind: str
) -> None:
    monkeypatch.setenv("GONGSHU_SAMPLE", "1")
    with pytest.raises(Unsafe, match="loopback"):
        check.refuse_unsafe(bind)
    for loopback in ("127.0.0.1", "localhost", "::1"):
        check.refuse_unsafe(loopback)


@pytest.mark.parametrize("secret", ["", "changeme", "0" * 64, "ab" * 16])
def test_default_and_short_secrets_are_refused(home: Path, secret: str) -> None:
    config.secret("django")
    path = home / "secrets.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "django": secret}))
    config._secrets.cache_clear()
    with pytest.raises(Unsafe, match=r"django in secrets\.json"):
        check.refuse_unsafe("127.0.0.1")


def test_secrets_others_can_read_are_refused(home: Path) -> None:
    config.secret("django")
    (home / "secrets.json").chmod(0o644)
    with pytest.raises(Unsafe, match="chmod 600"):
        check.refuse_unsafe("127.0.0.1")


@pytest.mark.parametrize("password", ["", ":postgres", ":Gongshu"])
def test_a_default_password_on_another_machine_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://gongshu{password}@db.example/gongshu")
    with pytest.raises(Unsafe, match="DATABASE_URL"):
        check.refuse_unsafe("127.0.0.1")


@pytest.mark.django_db(transaction=True)
def test_a_database_with_sample_accounts_starts_only_as_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    import psycopg

    check.mark_sample(loaded=False)
    try:
        check.refuse_sample_accounts()  # the tests themselves are a sample installation
        monkeypatch.delenv("GONGSHU_SAMPLE")
        with pytest.raises(Unsafe):
            check.refuse_sample_accounts()
    finally:
        with psycopg.connect(config.owner_url()) as session:
            session.execute("DROP TABLE gongshu_sample")
