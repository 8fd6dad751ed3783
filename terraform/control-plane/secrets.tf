# Secrets by name; their versions are added by hand (docs/deploy.md), so that no value is ever in a plan or a state.
locals {
  # Builds read one: the key by which plan digests hide sensitive values, so that equal plans have equal digests.
  _build_secrets = { "plan-key" = ["tf-plan", "tf-apply-${var.environment}"] }
}

resource "google_secret_manager_secret" "secret" {
  for_each            = setunion(module.topology.secrets, keys(local._build_secrets))
  project             = var.project_id
  secret_id           = "${local.prefix}-${each.value}"
  labels              = local.labels
  deletion_protection = var.protected
  # A version that was destroyed by mistake can be had back for a week.
  version_destroy_ttl = "604800s"
  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }
  depends_on = [google_project_service.api]
}

resource "google_secret_manager_secret_iam_member" "build" {
  for_each   = { for pair in flatten([for secret, who in local._build_secrets : [for name in who : { secret = secret, name = name }]]) : "${pair.secret}/${pair.name}" => pair }
  project    = var.project_id
  secret_id  = google_secret_manager_secret.secret[each.value.secret].secret_id
  role       = "roles/secretmanager.secretAccessor"
  member     = "serviceAccount:${local.build_email[each.value.name]}"
  depends_on = [google_service_account.build]
}
