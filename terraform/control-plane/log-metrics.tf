# Counters from what the services write. The words are those of the code; test/terraform/words.test.ts holds the two together.
locals {
  log_metrics = {
    drift           = { words = "were changed by somebody else", why = "Weights of a route are not those of our last move: somebody has changed them by hand, or a tool puts back an older manifest." }
    unfollowed      = { words = "do not go where the last move sent them", why = "Two minutes after a move backends without weight still count requests: the load balancer does not follow its route." }
    dead-letters    = { words = "kept as a dead letter", why = "A message is given up on and waits for a person: look at `signalbox dead-letters`." }
    previous-secret = { words = "signed with the previous secret", why = "GitHub still signs with the previous secret. After the rotation is over, somebody else does." }
  }
}

resource "google_logging_metric" "words" {
  for_each    = local.log_metrics
  project     = var.project_id
  name        = "${local.prefix}/${each.key}"
  description = each.value.why
  filter      = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name:\"${local.prefix}-\" AND jsonPayload.message:\"${each.value.words}\""
  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
    labels {
      key        = "service"
      value_type = "STRING"
    }
  }
  label_extractors = { service = "EXTRACT(resource.labels.service_name)" }
  depends_on       = [google_project_service.api]
}
