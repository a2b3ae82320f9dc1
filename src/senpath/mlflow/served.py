"""What an MLflow model of a network consists of, beside the network: MLflow copies this file, and runs it to load the model."""

from mlflow.models import set_model

from senpath.mlflow import NetworkModel

set_model(NetworkModel())
