# The clock: the outbox and traffic every minute, other reconcilers every five. A call that fails is not repeated: the next one comes soon.
resource "google_cloud_scheduler_job" "schedule" {
  for_each         = module.topology.schedules
  project          = var.project_id
  region           = var.region
  name             = "${local.prefix}-${each.key}"
  schedule         = each.value.cron
  time_zone        = "Etc/UTC"
  attempt_deadline = "60s"

  retry_config {
    retry_count = 0
  }

  http_target {
    http_method = "POST"
    uri         = each.value.uri
    oidc_token {
      service_account_email = local.email["scheduler"]
      audience              = each.value.audience
    }
  }

  depends_on = [google_service_account.service, google_project_service.api]
}
