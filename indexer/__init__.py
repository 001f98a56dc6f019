"""Folders in, ranked passages out. Knows no language model that writes text and no screen."""

import os

# ONNX Runtime 1.31 keeps a device id and sends usage to its maker unless this is set before it is loaded,
# on Linux too. Every process of Quire comes through here first, and nothing leaves without being asked for.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
