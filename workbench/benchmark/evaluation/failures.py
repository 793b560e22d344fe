"""The ways in which a submission fails, each with the sentence that its author reads.

Runs in: anywhere
Source: the failure codes of the ITU/WHO AI-for-Health benchmarking platform, and MODEL_REFUSED for what is not run.
"""

from __future__ import annotations

from workbench.errors import SubmissionRefused

FAILURES = {
    "MODEL_REFUSED": "The file is not one that may run here; the message says which rule it breaks.",
    "STARTUP_FAILED": "The submission did not start: the model does not load, or predict.py cannot be read or imported "
    "from; start it yourself without a network, mend it and submit it again.",
    "TIMEOUT": "The submission did not finish in the time the task gives; make it faster and submit it again.",
    "OOM_KILLED": "The submission needs more memory or more processes than the task gives; make it smaller and submit "
    "it again.",
    "NONZERO_EXIT": "The submission stopped with an error; run it with --validate, where nothing is hidden, and mend "
    "what stops it.",
    "NO_OUTPUT": "The submission ended without its output, a plain file of predictions; write it before it ends.",
    "MALFORMED_OUTPUT": "The predictions are not in the form that the task asks for; try the file with --validate, "
    "which names the line.",
    "UNKNOWN_ITEM_IDS": "The predictions name items that the task does not have; take the ids from its list of items.",
    "OUTPUT_TOO_LARGE": "The output is larger, or has more files, than the task allows; write the predictions alone.",
    "NETWORK_ATTEMPT_DETECTED": "The submission tried to use a network, which no submission has; put everything it "
    "needs into the folder and submit it again.",
    "DIGEST_MISMATCH": "The submitted bytes are not those that were sent; submit the file again.",
    "INTERNAL_ERROR": "The evaluator failed, not your submission; this does not count, submit it again.",
}  # fmt: skip


def failed(code: str, detail: str = "") -> SubmissionRefused:
    """Give the refusal of a code, with its own sentence or a closer one.

    Parameters
    ----------
    code : str
        One of `FAILURES`.
    detail : str, optional
        A closer sentence. Never one made of what a submission wrote while it saw hidden scans: it would carry them out.
    """
    return SubmissionRefused(detail or FAILURES[code], code=code)
