# Only images of our repository run here, and in the cluster of models, which is of the same project and so under the same policy,
# `cluster_images`; with `attestors`, or with `signing` that is enforced, only those that they signed.
locals {
  _attestors = concat(var.attestors, try(var.signing.enforced, false) ? ["projects/${var.project_id}/attestors/${google_binary_authorization_attestor.built[0].name}"] : [])
  _attested  = length(var.attestors) > 0 || try(var.signing.enforced, false)
}

resource "google_binary_authorization_policy" "policy" {
  project                       = var.project_id
  global_policy_evaluation_mode = "ENABLE"

  dynamic "admission_whitelist_patterns" {
    for_each = concat(local._attested ? [] : ["${local.registry}/*"], var.cluster == null ? [] : var.cluster_images)
    content {
      name_pattern = admission_whitelist_patterns.value
    }
  }

  default_admission_rule {
    enforcement_mode        = "ENFORCED_BLOCK_AND_AUDIT_LOG"
    evaluation_mode         = local._attested ? "REQUIRE_ATTESTATION" : "ALWAYS_DENY"
    require_attestations_by = local._attested ? local._attestors : null
  }

  depends_on = [google_project_service.api]
}
