"""Tasks, and whole networks, as ONNX models, for programs without senpath."""

from senpath.export.onnx import component_as_onnx, export_onnx
from senpath.export.whole import export_all

__all__ = ["component_as_onnx", "export_all", "export_onnx"]
