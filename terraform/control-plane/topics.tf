# facts: what the services tell each other. events: what others tell us; the API looks at each as it does at POST /v1/events.
resource "google_pubsub_topic" "ours" {
  for_each = toset(["facts", "events"])
  project  = var.project_id
  name     = "${local.prefix}-${each.value}"
  labels   = local.labels
  message_storage_policy {
    # Where messages are kept. Not enforced in transit: that would refuse whoever publishes or pulls from elsewhere, such as a person.
    allowed_persistence_regions = [var.region]
  }
  depends_on = [google_project_service.api]
}

# Google publishes to topics of exactly these names, and only if they are there.
resource "google_pubsub_topic" "notifications" {
  for_each   = toset(["cloud-builds", "clouddeploy-operations", "clouddeploy-resources", "clouddeploy-approvals"])
  project    = var.project_id
  name       = each.value
  labels     = local.labels
  depends_on = [google_project_service.api]
}

resource "google_pubsub_topic_iam_member" "notifications" {
  for_each = google_pubsub_topic.notifications
  project  = var.project_id
  topic    = each.value.name
  role     = "roles/pubsub.publisher"
  member   = each.key == "cloud-builds" ? local.agents.cloudbuild : local.agents.deploy
}

resource "google_pubsub_topic_iam_member" "events" {
  for_each = toset(var.event_publishers)
  project  = var.project_id
  topic    = google_pubsub_topic.ours["events"].name
  role     = "roles/pubsub.publisher"
  member   = each.value
}
