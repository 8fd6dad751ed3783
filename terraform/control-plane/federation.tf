# GitHub Actions without keys: only workflows of the named repositories, by number, because names can be registered again.
resource "google_iam_workload_identity_pool" "github" {
  count                     = length(var.github_repository_ids) > 0 ? 1 : 0
  project                   = var.project_id
  workload_identity_pool_id = "${local.prefix}-github"
  depends_on                = [google_project_service.api]
}

resource "google_iam_workload_identity_pool_provider" "github" {
  count                              = length(var.github_repository_ids) > 0 ? 1 : 0
  project                            = var.project_id
  workload_identity_pool_id          = google_iam_workload_identity_pool.github[0].workload_identity_pool_id
  workload_identity_pool_provider_id = "actions"
  attribute_mapping = {
    "google.subject"          = "assertion.sub"
    "attribute.repository_id" = "assertion.repository_id"
    "attribute.ref"           = "assertion.ref"
  }
  # The issuer is shared by all of GitHub: without this condition anybody's workflow would be let in.
  attribute_condition = "assertion.repository_id in ${jsonencode(var.github_repository_ids)} && assertion.ref_protected == \"true\" && assertion.event_name != \"pull_request\" && assertion.event_name != \"pull_request_target\""
  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}
