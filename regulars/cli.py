"""The `regulars` command: reads flags, calls the verbs, prints what they say, leaves with an exit code."""

import gc
import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError
from cyclopts.config import Env, Toml

from regulars import __version__
from regulars.commands import check, demo, features, score, train
from regulars.errors import RegularsError
from regulars.exits import DONE, INTERRUPTED, WRONG_INPUT
from regulars.judging import backtest, promote
from regulars.listing import list_, measure
from regulars.publishing import publish_
from regulars.reporting import report_
from regulars.secrecy import without_passwords
from regulars.valuing import economics_
from regulars.web import person, serve_, token

app = App(
    name="regulars",
    help="Which customers will come back, and what they will spend.",
    help_epilogue=(
        'Every flag can also stand in regulars.toml (customer-id = "Customer ID") or in the environment '
        "(REGULARS_CUSTOMER_ID). Exit codes: 0 done, 2 wrong usage or input, 3 the answer is no, 1 a defect of ours."
    ),
    version=__version__,
    config=[
        Env("REGULARS_", command=False),
        Toml("regulars.toml", use_commands_as_keys=False, allow_unknown=True),
    ],
)
for command in (demo, check, features, backtest, train, promote, score):
    app.command(command)
app.command(list_, name="list")
app.command(measure)
app.command(publish_, name="publish")
app.command(economics_, name="economics")
app.command(report_, name="report")
app.command(serve_, name="serve")
app.command(token)
app.command(person)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    # Idle threads of LightGBM otherwise spin for work, and halve the speed of whoever shares the machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Queries and their parts are many small objects that live on: to look for garbage seldom saves a tenth of a start.
    gc.set_threshold(50_000, 20, 100)
    try:
        code = app(sys.argv[1:] if arguments is None else arguments, exit_on_error=False, print_error=False)
    except (RegularsError, CycloptsError) as error:
        print(f"regulars: {without_passwords(str(error))}", file=sys.stderr)  # noqa: T201
        sys.exit(WRONG_INPUT)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader of a pipe has seen enough.
        sys.stdout = None
        sys.exit(DONE)
    sys.exit(code or DONE)
