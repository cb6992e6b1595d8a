"""A cluster of PostgreSQL, before it is started."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.conf import settings

from core.database import logins
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


@pytest.mark.django_db
def test_owner_drops_a_test_database_when_the_application_is_still_connected() -> None:
    """A live server's thread may keep its connection to the end of a run."""
    owner, application = settings.DATABASE_OWNER, settings.DATABASES["default"]
    assert logins.owner() != logins.application()
    name = f"{application['NAME']}_still_used"

    def connect(login: dict[str, Any], database: str) -> psycopg2.extensions.connection:
        return psycopg2.connect(
            host=login["HOST"], port=login["PORT"], user=login["USER"], password=login["PASSWORD"], dbname=database
        )

    assert owner is not None
    with closing(connect(owner, "postgres")) as own:
        own.autocommit = True
        with own.cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{name}"')
            with closing(connect(application, name)) as other, other.cursor() as there:
                there.execute("SELECT 1")
                cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
                with pytest.raises(psycopg2.OperationalError):
                    there.execute("SELECT 1")
