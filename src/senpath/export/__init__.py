"""Tasks as ONNX models, for programs without senpath."""

from senpath.export.onnx import component_as_onnx, export_onnx

__all__ = ["component_as_onnx", "export_onnx"]
