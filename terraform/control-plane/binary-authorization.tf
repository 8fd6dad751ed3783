# Only images of our repository run here; with `attestors`, only those that they signed.
resource "google_binary_authorization_policy" "policy" {
  project                       = var.project_id
  global_policy_evaluation_mode = "ENABLE"

  dynamic "admission_whitelist_patterns" {
    for_each = length(var.attestors) > 0 ? [] : ["${local.registry}/*"]
    content {
      name_pattern = admission_whitelist_patterns.value
    }
  }

  default_admission_rule {
    enforcement_mode        = "ENFORCED_BLOCK_AND_AUDIT_LOG"
    evaluation_mode         = length(var.attestors) > 0 ? "REQUIRE_ATTESTATION" : "ALWAYS_DENY"
    require_attestations_by = length(var.attestors) > 0 ? var.attestors : null
  }

  depends_on = [google_project_service.api]
}
