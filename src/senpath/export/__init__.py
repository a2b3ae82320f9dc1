"""Tasks as ONNX models, for programs without senpath."""

from senpath.export.onnx import export_onnx

__all__ = ["export_onnx"]
