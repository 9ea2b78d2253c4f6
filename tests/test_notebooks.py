"""Notebooks import the packages, define nothing, are committed with their pictures, and run from top to bottom."""

import ast
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from jupyter_client import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.util import run_sync

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CUSTOMERS = 300


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def code(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def pictures(notebook) -> int:
    outputs = [output for cell in code(notebook) for output in cell.outputs]
    return sum("image/png" in output.get("data", {}) for output in outputs)


def test_there_is_one():
    assert NOTEBOOKS


def test_it_is_committed_with_outputs_and_pictures_and_without_an_error(notebook):
    assert all(cell.execution_count for cell in code(notebook))
    assert pictures(notebook) >= 3
    assert not [output for cell in code(notebook) for output in cell.outputs if output.output_type == "error"]


def test_it_defines_nothing(notebook):
    for cell in code(notebook):
        source = "\n".join(line for line in cell.source.splitlines() if not line.startswith("%"))
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
        assert not [node for node in ast.walk(ast.parse(source)) if isinstance(node, kinds)]


@pytest.fixture(scope="module")
def smaller(tmp_path_factory):
    """What is read and how often in place of what the pages say: enough for every cell of every notebook."""
    log = pd.read_parquet(ROOT / "regulars" / "data" / "cdnow.parquet")
    some = log["customer_id"].drop_duplicates().sample(CUSTOMERS, random_state=1)
    path = tmp_path_factory.mktemp("few") / "log.parquet"
    log[log["customer_id"].isin(some)].to_parquet(path)
    few_trees = "regulars.Fitting(spend_trees=20, churn_trees=20)"
    lines = (
        f"LOG = {str(path)!r}",
        f"CUTOFFS, FITTING = 1, {few_trees}",
        f"FITTING = {few_trees}",
        'PARTS, PARTS_ROWS = ("member:ridge",), 1_000',
        "RATES, DRAWS, SHUFFLES = [0.02], 2, 20",
    )
    return {line.partition(" =")[0]: line for line in lines}


@pytest.fixture(scope="module")
def kernel():
    """One for all notebooks: to start one and to import the libraries takes seconds."""
    manager = AsyncKernelManager(kernel_name="python3")
    yield manager
    run_sync(manager.shutdown_kernel)(now=True)


def forgetting(notebook, registry):
    """Begin a notebook with nothing of the one before: no name, no open figure, and a registry of its own."""
    lines = (
        "import os, matplotlib.pyplot, mlflow",
        "matplotlib.pyplot.close('all')",
        f"os.environ['MLFLOW_TRACKING_URI'] = {registry!r}",
        "mlflow.set_tracking_uri(None)",
        "%reset -f",
    )
    notebook.cells.insert(0, nbformat.v4.new_code_cell("\n".join(lines)))
    return notebook


def given(notebook, parameters):
    """Give other values to the parameters that a notebook has, in a cell behind those tagged so, as Papermill does."""
    [place] = [i for i, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", [])]
    stated = [line.partition(" =")[0] for line in notebook.cells[place].source.splitlines()]
    assert "LOG" in stated
    other = "\n".join(line for name, line in parameters.items() if name in stated)
    notebook.cells.insert(place + 1, nbformat.v4.new_code_cell(other))
    return notebook


@pytest.mark.slow
def test_it_runs_from_top_to_bottom(notebook, kernel, smaller, new_registry, tmp_path):
    drawn = pictures(notebook)
    page = forgetting(given(notebook, smaller), new_registry(tmp_path))
    client = NotebookClient(page, kernel, timeout=600, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    client.kc.stop_channels()
    assert pictures(notebook) == drawn
