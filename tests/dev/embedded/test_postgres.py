"""A cluster of PostgreSQL, before it is started."""

from __future__ import annotations

from pathlib import Path

from dev.embedded.postgres import APPLICATION, OWNER, Cluster
from dev.embedded.rootless import Launcher


def test_cluster_has_two_logins_to_one_database_and_is_complete_with_its_version(tmp_path: Path) -> None:
    cluster = Cluster(
        folder=tmp_path,
        port=5433,
        superuser_password="s",
        owner_password="o",
        application_password="a",
        launcher=Launcher(prefix=()),
    )
    assert cluster.url == f"postgres://{APPLICATION}:a@127.0.0.1:5433/{APPLICATION}"
    assert cluster.owner_url == f"postgres://{OWNER}:o@127.0.0.1:5433/{APPLICATION}"
    assert not cluster.is_initialised
    (tmp_path / "PG_VERSION").touch()
    assert cluster.is_initialised
