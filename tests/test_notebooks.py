"""Notebooks import the packages, define nothing, are committed with their pictures, and run from top to bottom."""

import ast
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


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


@pytest.mark.slow
def test_it_runs_from_top_to_bottom(notebook, tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    drawn = pictures(notebook)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert pictures(notebook) == drawn
