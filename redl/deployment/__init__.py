"""Deployment: trained networks in runtimes, each in a process of its own, on the CPU.

Modules that a process without torch imports must not import it, nor what does: `measuring`, `onnx_serving`
and `quantising`.
"""
