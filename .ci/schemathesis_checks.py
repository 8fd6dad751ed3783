"""Checks of our own beside those of Schemathesis."""
import schemathesis
from schemathesis import GenerationMode
from schemathesis.generation.meta import CoveragePhaseData, CoverageScenario
from schemathesis.specs.openapi import checks as openapi_checks

# What a schema cannot say, or says worse than we do in words: tokens of our own, names of facts, addresses, filters.
SAID_IN_WORDS = {
    "INVALID_PAGE_TOKEN",
    "UNKNOWN_FACT",
    "OUTPUT_NOT_ALLOWED",
    "INVALID_DIGEST",
    "INVALID_URI",
    "INVALID_CLOUD_EVENT",
    "INVALID_CURSOR",
    "INVALID_FILTER",
    "INVALID_ORDER",
    "WILDCARD_BEFORE_NAME",
    "DIGEST_MISMATCH",
    "INVALID_TIME",
    "INVALID_JSON",
    "INVALID_LABEL",
}


def _info(response):
    error = response.json()["error"]
    [info] = [part for part in error["details"] if part["@type"].endswith("ErrorInfo")]
    return error, info


@schemathesis.check
def refusals_say_why(ctx, response, case):
    """Every refusal names a reason, and what the schema allows is refused only for the state of things."""
    if response.status_code < 400:
        return
    error, info = _info(response)
    assert error["code"] == response.status_code and error["message"], "the error does not say what happened"
    assert info["domain"] == "signalbox.dev" and info["reason"], "the error names no reason"
    if response.status_code != 400 or case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    field = info["metadata"].get("field", "")
    named = info["reason"] == "INVALID_NAME" and field not in (case.path_parameters or {})
    assert (
        error["status"] == "FAILED_PRECONDITION" or named or info["reason"] in SAID_IN_WORDS
    ), f"the schema allows what is refused with {info['reason']}: {error['message']}"


# A stranger who asks too often is refused with 429, which `ignored_auth` does not know: two processes ask at once.
openapi_checks.AUTH_REJECTION_STATUSES = frozenset({*openapi_checks.AUTH_REJECTION_STATUSES, 429})


@schemathesis.check
def strangers_are_refused(ctx, response, case):
    """Who comes without a credential gets 401, and 429 when such requests come too often: two processes ask at once."""
    data = case.meta.phase.data if case.meta is not None else None
    if not isinstance(data, CoveragePhaseData) or data.scenario != CoverageScenario.MISSING_PARAMETER:
        return
    if (data.parameter or "").lower() != "authorization":
        return
    assert response.status_code in (401, 429), f"a request without a credential was answered {response.status_code}"
