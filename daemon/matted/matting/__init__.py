"""Alpha at native resolution: edge refinement and composition. Knows no ONNX."""
