"""Networks as MLflow models: written as code and plain files, with a signature and an example, and no pickle."""

from senpath.errors import MissingExtraError

try:
    from senpath.mlflow.flavor import NetworkModel, log_model, save_model
except ModuleNotFoundError as error:
    if error.name not in ("mlflow", "pandas"):
        raise
    raise MissingExtraError.of("senpath.mlflow", str(error.name), "mlflow") from error

__all__ = ["NetworkModel", "log_model", "save_model"]
