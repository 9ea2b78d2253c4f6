"""The bundle as MLflow serves it: a models-from-code file, so that nothing is pickled."""

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc import PythonModel, PythonModelContext

from models.bundle_files import load_bundle

ARTIFACT = "bundle"


class BundleModel(PythonModel):  # type: ignore[misc]
    """Predicts from snapshot columns, at the level of the training as-of date."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the bundle's text files."""
        self.bundle = load_bundle(Path(context.artifacts[ARTIFACT]))

    def predict(self, context: PythonModelContext, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        """Return `Bundle.predict` of the rows."""
        return self.bundle.predict(model_input)


mlflow.models.set_model(BundleModel())
