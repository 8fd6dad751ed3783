# Settings of every push: see "Settings" in docs/operations.md. No order is asked for: facts carry their version.
locals {
  pushes = {
    ack_deadline_seconds   = 60
    minimum_backoff        = "10s"
    maximum_backoff        = "600s"
    delivery_attempts      = 10
    retention              = "604800s"  # 7 days of work
    dead_letters_retention = "2678400s" # 31 days, the most that Pub/Sub keeps
  }
  # What GitHub waits for: merges and checks.
  _soon = toset(["provisioner"])

  # Outside events go to the programs' door of the API.
  _events = {
    name     = "${local.prefix}-events"
    dead     = "${local.prefix}-events-dead"
    filter   = null
    endpoint = "${local.deployments["api-programs"].url}${var.events_path}"
    audience = local.deployments["api-programs"].audience
    account  = "to-events"
  }

  all_pushes = merge(
    { for name, each in local.subscriptions : name => merge(each, { topic = "facts" }) },
    { events = merge(local._events, { topic = "events" }) },
  )
}

resource "google_pubsub_subscription" "push" {
  for_each                   = local.all_pushes
  project                    = var.project_id
  name                       = each.value.name
  topic                      = google_pubsub_topic.ours[each.value.topic].id
  labels                     = local.labels
  filter                     = each.value.filter
  ack_deadline_seconds       = local.pushes.ack_deadline_seconds
  message_retention_duration = local.pushes.retention
  enable_message_ordering    = false

  expiration_policy {
    ttl = "" # never
  }

  retry_policy {
    minimum_backoff = contains(local._soon, each.key) ? "5s" : local.pushes.minimum_backoff
    maximum_backoff = contains(local._soon, each.key) ? "120s" : local.pushes.maximum_backoff
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead[each.key].id
    max_delivery_attempts = local.pushes.delivery_attempts
  }

  push_config {
    push_endpoint = each.value.endpoint
    oidc_token {
      service_account_email = local.email[each.value.account]
      audience              = each.value.audience
    }
  }

  depends_on = [google_service_account.service, google_pubsub_topic_iam_member.dead]

  lifecycle {
    # Another filter is another subscription, and the old one takes what it still holds with it: docs/deploy.md says how to change one.
    prevent_destroy = true
  }
}

resource "google_pubsub_topic" "dead" {
  for_each = local.all_pushes
  project  = var.project_id
  name     = each.value.dead
  labels   = local.labels
  message_storage_policy {
    # Where messages are kept. Not enforced in transit: that would refuse whoever publishes or pulls from elsewhere, such as a person.
    allowed_persistence_regions = [var.region]
  }
  depends_on = [google_project_service.api]
}

# Without a subscription a dead-letter topic keeps nothing.
resource "google_pubsub_subscription" "dead" {
  for_each                   = local.all_pushes
  project                    = var.project_id
  name                       = each.value.dead
  topic                      = google_pubsub_topic.dead[each.key].id
  labels                     = local.labels
  ack_deadline_seconds       = local.pushes.ack_deadline_seconds
  message_retention_duration = local.pushes.dead_letters_retention
  expiration_policy {
    ttl = ""
  }
}

# Dead-lettering is done by Google's agent: it publishes there and acknowledges here.
resource "google_pubsub_topic_iam_member" "dead" {
  for_each = google_pubsub_topic.dead
  project  = var.project_id
  topic    = each.value.name
  role     = "roles/pubsub.publisher"
  member   = local.agents.pubsub
}

resource "google_pubsub_subscription_iam_member" "push" {
  for_each     = google_pubsub_subscription.push
  project      = var.project_id
  subscription = each.value.name
  role         = "roles/pubsub.subscriber"
  member       = local.agents.pubsub
}

# Hints are worth nothing an hour later, and a lost one costs at most the time to the next schedule.
resource "google_pubsub_subscription" "hint" {
  for_each                   = module.topology.hints
  project                    = var.project_id
  name                       = each.value.name
  topic                      = google_pubsub_topic.notifications[each.value.topic].id
  labels                     = local.labels
  ack_deadline_seconds       = local.pushes.ack_deadline_seconds
  message_retention_duration = "3600s"
  expiration_policy {
    ttl = ""
  }
  retry_policy {
    minimum_backoff = local.pushes.minimum_backoff
    maximum_backoff = local.pushes.maximum_backoff
  }
  push_config {
    push_endpoint = each.value.endpoint
    oidc_token {
      service_account_email = local.email[each.value.account]
      audience              = each.value.audience
    }
  }
  depends_on = [google_service_account.service]
}
