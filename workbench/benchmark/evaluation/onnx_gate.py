"""Refuses a submitted ONNX file that could reach outside itself, before any runtime sees it.

The rules are those of `compute/model_gate.py`; here they are held against a task's kind and told as a submission is.

Runs in: evaluator
"""

from __future__ import annotations

from workbench.compute import model_gate
from workbench.errors import InvalidInput, SubmissionRefused

FORMS_OF_KIND = {"detection3d": ("patches",), "binary": ("patches",), "segmentation3d": ("sections", "volume")}


def check_model(model: bytes, *, max_bytes: int, kind: str = "detection3d") -> str:
    """Refuse an ONNX file that breaks a rule of the gate, and give the name of its form, which is that of its input.

    Parameters
    ----------
    model : bytes
        The file.
    max_bytes : int
        The task's limit.
    kind : str
        The task's kind: what the model must take and give.

    Raises
    ------
    SubmissionRefused
        With the code MODEL_REFUSED and the rule.
    """
    if kind not in FORMS_OF_KIND:
        rule = "this task takes no ONNX models; send predictions or a folder with predict.py"
        raise SubmissionRefused(model_gate.refused(rule).message, code="MODEL_REFUSED")
    try:
        return model_gate.check_model(model, max_bytes=max_bytes, forms=FORMS_OF_KIND[kind])
    except InvalidInput as problem:
        raise SubmissionRefused(problem.message, code="MODEL_REFUSED") from None
