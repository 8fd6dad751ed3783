# What wakes somebody, beside what each service has of its own (modules/service). Each says what to do. Without anybody to wake
# (`alert_emails`) there is none: conditions cost.
resource "google_monitoring_notification_channel" "email" {
  for_each     = toset(var.alert_emails)
  project      = var.project_id
  display_name = "Signalbox ${var.environment}: ${each.value}"
  type         = "email"
  labels       = { email_address = each.value }
  depends_on   = [google_project_service.api]
}

locals {
  notification_channels = [for channel in google_monitoring_notification_channel.email : channel.id]
  _subscriptions        = "resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=starts_with(\"${local.prefix}-\")"

  alerts = {
    backlog = {
      title     = "facts wait"
      condition = "the oldest unacknowledged message is older than 10 minutes"
      filter    = "${local._subscriptions} AND metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" AND resource.labels.subscription_id!=monitoring.regex.full_match(\".*-dead\")"
      threshold = 600
      aligner   = "ALIGN_MAX"
      reducer   = "REDUCE_MAX"
      content   = "A service does not keep up or answers 5xx. Its log says why; nothing is lost for 7 days."
    }
    dead = {
      title     = "messages were given up on"
      condition = "a dead-letter subscription holds a message"
      filter    = "${local._subscriptions} AND metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\" AND resource.labels.subscription_id=monitoring.regex.full_match(\".*-dead\")"
      threshold = 0
      aligner   = "ALIGN_MAX"
      reducer   = "REDUCE_MAX"
      content   = "Ten deliveries failed. `signalbox dead-letters` lists and replays facts. Nobody takes events of others from ${local._events.dead}: look with `gcloud pubsub subscriptions pull`. Both are kept for 31 days."
    }
    letters = {
      title     = "a service kept a dead letter"
      condition = "the services wrote that they keep a dead letter"
      filter    = "resource.type=\"cloud_run_revision\" AND metric.type=\"logging.googleapis.com/user/${local.prefix}/dead-letters\""
      threshold = 0
      aligner   = "ALIGN_DELTA"
      reducer   = "REDUCE_SUM"
      content   = "A message can never be handled as it is. `signalbox dead-letters` shows the reason."
    }
    drift = {
      title     = "a route was changed by somebody else"
      condition = "the services wrote that the weights of a route are not theirs"
      filter    = "resource.type=\"cloud_run_revision\" AND metric.type=\"logging.googleapis.com/user/${local.prefix}/drift\""
      threshold = 0
      aligner   = "ALIGN_DELTA"
      reducer   = "REDUCE_SUM"
      content   = "Requests go where Signalbox did not send them, and the judge counts wrongly. The log names the endpoint, what was expected and what is there. The next move writes over it; `signalbox rollback` does so now."
    }
    unfollowed = {
      title     = "requests do not follow a move"
      condition = "the services wrote that requests do not go where the last move sent them"
      filter    = "resource.type=\"cloud_run_revision\" AND metric.type=\"logging.googleapis.com/user/${local.prefix}/unfollowed\""
      threshold = 0
      aligner   = "ALIGN_DELTA"
      reducer   = "REDUCE_SUM"
      content   = "A route says one thing and users get another: `kubectl describe httproute` in the team's namespace tells whether its Gateway has accepted it, the Gateway's own events why not."
    }
    previous-secret = {
      title     = "GitHub signs with the previous secret"
      condition = "the services wrote that a delivery was signed with the previous secret"
      filter    = "resource.type=\"cloud_run_revision\" AND metric.type=\"logging.googleapis.com/user/${local.prefix}/previous-secret\""
      threshold = 0
      aligner   = "ALIGN_DELTA"
      reducer   = "REDUCE_SUM"
      content   = "While a rotation is under way that is as it must be. Afterwards the App still has the old secret, or somebody else has: put the new one into the App's settings, and disable the old version in Secret Manager (docs/deploy.md, \"A secret rotates\")."
    }
    clock = {
      title     = "the clock does not reach a service"
      condition = "calls of Cloud Scheduler fail"
      filter    = "resource.type=\"cloud_scheduler_job\" AND metric.type=\"logging.googleapis.com/log_entry_count\" AND metric.labels.severity=\"ERROR\""
      threshold = 3
      aligner   = "ALIGN_DELTA"
      reducer   = "REDUCE_SUM"
      content   = "Outbox, timers and reconcilers stand still. Look at the failing job and at the service it calls."
    }
  }
}

resource "google_monitoring_alert_policy" "alert" {
  for_each              = { for name, alert in local.alerts : name => alert if length(var.alert_emails) > 0 }
  project               = var.project_id
  display_name          = "${local.prefix}: ${each.value.title}"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.notification_channels
  conditions {
    display_name = each.value.condition
    condition_threshold {
      filter          = each.value.filter
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.threshold
      duration        = "300s"
      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = each.value.aligner
        cross_series_reducer = each.value.reducer
      }
    }
  }
  documentation {
    mime_type = "text/markdown"
    content   = each.value.content
  }
  depends_on = [google_logging_metric.words]
}
