"""Publishing: the command and the verb that fill tables of a database."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from regulars.flags import OutputFlags
from regulars.screen import Screen

if TYPE_CHECKING:
    from serving.publish import Publication

OUTPUT = OutputFlags()


def publish(store: str | Path, to: str, schema: str = "regulars", horizon: int | None = None) -> "Publication":
    """Put the newest scores and the saved lists into tables of a PostgreSQL database, all or nothing.

    Parameters
    ----------
    store
        Folder of the store.
    to
        Address of the database, as ``postgresql://user@host:5432/database``.
    schema
        Schema of the tables; made where it is not there.
    horizon
        Publish this horizon and leave others; None: all.

    Raises
    ------
    StoreError, PublishError
        The store or the database cannot be used; what was published before stands.
    """
    from serving.publish import publish as run_publish
    from serving.store import Store

    return run_publish(Store(Path(store)), to, schema, horizon)


def publish_(
    *,
    store: Path,
    to: Annotated[str, Parameter(show_env_var=True)],
    schema: str = "regulars",
    horizon: int | None = None,
    output: OutputFlags = OUTPUT,
) -> None:
    """Put the newest scores and the saved lists into tables of a PostgreSQL database, all or nothing.

    Parameters
    ----------
    store
        Folder of the store.
    to
        Address of the database, as postgresql://user@host:5432/database. One with a password belongs into the
        environment (REGULARS_TO), or the password alone into PGPASSWORD: others can read a running command's flags.
    schema
        Schema of the tables; made where it is not there and the role may make one.
    horizon
        Publish this horizon and leave the rows of others; by default all that the store holds.
    """
    from serving.publish import publish as run_publish
    from serving.store import Store

    screen = Screen(output.quiet, output.json)
    with screen.progress("publishing", None) as progress:
        found = run_publish(Store(store), to, schema, horizon, progress)
    for one in found.horizons:
        screen.facts(
            {
                "published": f"{one.customers:,} customers as of {one.as_of}, {one.horizon_days} days ahead",
                "lists": f"{one.lists:,}, with {one.members:,} customers to contact",
            }
        )
        if one.clv_basis is None:
            screen.note("these scores do not say whether clv is of margin or revenue, so it is left out: score again")
    screen.facts({"in": f"{found.database}, schema {found.schema}"})
    screen.result(found.to_dict())
