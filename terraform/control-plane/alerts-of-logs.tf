# What fails between a commit and a service that runs, where nobody may be looking: each waits for an entry of a log that Google writes.
# Fields and values are those of its published events, which test/terraform/words.test.ts compares. Severity says nothing there: a failed
# rollout is written as INFO.
locals {
  _log           = "logName=\"projects/${var.project_id}/logs/"
  _our_pipelines = "resource.type=\"clouddeploy.googleapis.com/DeliveryPipeline\" AND resource.labels.location=\"${var.region}\" AND resource.labels.pipeline_id=(${join(" OR ", [for each in values(local.deployments) : "\"${each.name}\""])})"

  alerts_of_logs = merge(
    {
      build = {
        title     = "no new image was built"
        severity  = "ERROR"
        condition = "a build of cloudbuild.yaml failed or took too long"
        filter    = "${local._log}cloudbuild\" AND resource.type=\"build\" AND labels.build_tags:\"signalbox-image\" AND labels.build_step=\"MAIN\" AND textPayload=(\"ERROR\" OR \"TIMEOUT\")"
        labels    = {}
        period    = "300s"
        content   = "What runs goes on. `gcloud builds list --region=${var.region} --filter='tags=signalbox-image' --limit=5` names the build, its log the step. Mend it and push, or start the same build again: what was released already is left alone."
      }
      release = {
        title     = "a service was not released"
        severity  = "ERROR"
        condition = "Cloud Deploy could not render or roll out a release of one of our services"
        filter    = "${local._our_pipelines} AND ((${local._log}clouddeploy.googleapis.com%2Frelease_render\" AND jsonPayload.releaseRenderState=\"FAILED\") OR (${local._log}clouddeploy.googleapis.com%2Frollout_update\" AND jsonPayload.rolloutUpdateType=\"FAILED\"))"
        # Each service is told of by itself: ten may fail at once, and the names are what one needs.
        labels  = { pipeline = "EXTRACT(resource.labels.pipeline_id)" }
        period  = "300s"
        content = "This service runs the version before, or none that is ready, while others may have the new one. docs/deploy.md, \"A new version\", says how to see why, \"A bad version goes back\" how to take it back."
      }
      notification = {
        title     = "Cloud Deploy could not notify"
        severity  = "WARNING"
        condition = "PUBSUB_NOTIFICATION_FAILURE in the platform log"
        filter    = "logName:\"clouddeploy.googleapis.com\" AND jsonPayload.type=\"TYPE_PUBSUB_NOTIFICATION_FAILURE\""
        labels    = {}
        period    = "3600s"
        content   = "We then learn of a deployment only at the next look. The agent of Cloud Deploy must be publisher on topics of exactly the fixed names."
      }
    },
    var.protected ? {
      approval = {
        title     = "a release waits for approval"
        severity  = "WARNING"
        condition = "a rollout of one of our services asks for approval"
        filter    = "${local._our_pipelines} AND ${local._log}clouddeploy.googleapis.com%2Frollout_update\" AND jsonPayload.rolloutUpdateType=\"APPROVAL_REQUIRED\""
        labels    = {}
        period    = "3600s" # all services ask within minutes: one letter is enough
        content   = "Until then its service runs the version before. docs/deploy.md, \"A new version\", has the command that approves them all, soon after one another."
      }
    } : {},
  )
}

resource "google_monitoring_alert_policy" "log" {
  for_each              = { for name, alert in local.alerts_of_logs : name => alert if length(var.alert_emails) > 0 }
  project               = var.project_id
  display_name          = "${local.prefix}: ${each.value.title}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = local.notification_channels
  conditions {
    display_name = each.value.condition
    condition_matched_log {
      filter           = each.value.filter
      label_extractors = each.value.labels
    }
  }
  alert_strategy {
    notification_rate_limit {
      period = each.value.period
    }
  }
  documentation {
    mime_type = "text/markdown"
    content   = each.value.content
  }
  depends_on = [google_project_service.api]
}
