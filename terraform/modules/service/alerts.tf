locals {
  _series = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${var.name}\""
}

# Without anybody who would hear of it there is no policy: conditions cost.
resource "google_monitoring_alert_policy" "errors" {
  count                 = length(var.notification_channels) > 0 ? 1 : 0
  project               = var.project_id
  display_name          = "${var.name}: requests fail"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = var.notification_channels

  conditions {
    display_name = "more than 5 % of requests answered with 5xx for 10 minutes"
    condition_threshold {
      filter             = "${local._series} AND metric.type=\"run.googleapis.com/request_count\" AND metric.labels.response_code_class=\"5xx\""
      denominator_filter = "${local._series} AND metric.type=\"run.googleapis.com/request_count\""
      comparison         = "COMPARISON_GT"
      threshold_value    = 0.05
      duration           = "600s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
      denominator_aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Look at the log of ${var.name}: `severity>=ERROR`. A push that fails comes again for an hour and then lies in the dead letters."
  }
}
