"""The ways in which a submission fails, each with the sentence that its author reads.

Runs in: anywhere
Source: the failure codes of the ITU/WHO AI-for-Health benchmarking platform, and MODEL_REFUSED for the ONNX gate.
"""

from __future__ import annotations

FAILURES = {
    "MODEL_REFUSED": "The file is not a model that may run here; the message says which rule it breaks.",
    "STARTUP_FAILED": "The model does not load in onnxruntime; load it there yourself, mend it and submit it again.",
    "TIMEOUT": "The model did not finish in the time the task gives; make it smaller and submit it again.",
    "OOM_KILLED": "The model needs more memory than the task gives; make it smaller and submit it again.",
    "NONZERO_EXIT": "The model stopped with an error on the hidden scans; try it on the validation split first.",
    "NO_OUTPUT": "The model gave no output.",
    "MALFORMED_OUTPUT": "The output is not one probability from 0 to 1 for each patch; try it on the validation split.",
    "OUTPUT_TOO_LARGE": "The output is larger than the task allows; it must be one number for each patch.",
    "DIGEST_MISMATCH": "The model's bytes are not those that were sent; submit it again.",
    "INTERNAL_ERROR": "The evaluator failed, not your model; this does not count, submit it again.",
}
