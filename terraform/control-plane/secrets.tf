# Secrets by name; their versions are added by hand (docs/deploy.md), so that no value is ever in a plan or a state.
resource "google_secret_manager_secret" "secret" {
  for_each            = module.topology.secrets
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
