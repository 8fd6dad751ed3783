# What each service and each job may do, from `roles:` in services.yaml. Buckets are in buckets.tf, because their policies are whole.
locals {
  _grants = {
    for key, grant in module.topology.grants : key => merge(grant, {
      member = "serviceAccount:${local.email[grant.account]}"
      role   = startswith(grant.role, "custom:") ? local.custom_role_id[trimprefix(grant.role, "custom:")] : grant.role
    })
  }
  _grants_on = {
    for scope in ["bucket", "build", "database", "dead-letters", "pipeline", "project", "secret", "topic"] :
    scope => { for key, grant in local._grants : key => grant if grant.scope == scope }
  }

  # To act as "tf-apply" is to act as the one of this environment.
  _acts_as = { "tf-apply" = "tf-apply-${var.environment}" }

  _dead_letter_readers = merge([
    for key, grant in local._grants_on["dead-letters"] : {
      for name, each in local.subscriptions : "${key}/${name}" => merge(grant, { subscription = name })
    }
  ]...)
}

resource "google_project_iam_member" "project" {
  for_each   = local._grants_on["project"]
  project    = var.project_id
  role       = each.value.role
  member     = each.value.member
  depends_on = [google_service_account.service, google_project_iam_custom_role.role]
}

# Firestore has no policy of its own; the condition keeps the role to our database.
resource "google_project_iam_member" "database" {
  for_each = local._grants_on["database"]
  project  = var.project_id
  role     = each.value.role
  member   = each.value.member
  condition {
    title      = "only-the-ledger"
    expression = "resource.name == \"projects/${var.project_id}/databases/${local.database}\""
  }
  depends_on = [google_service_account.service, google_project_iam_custom_role.role]
}

resource "google_pubsub_topic_iam_member" "service" {
  for_each   = local._grants_on["topic"]
  project    = var.project_id
  topic      = google_pubsub_topic.ours[each.value.target].name
  role       = each.value.role
  member     = each.value.member
  depends_on = [google_service_account.service]
}

resource "google_pubsub_subscription_iam_member" "dead_letters" {
  for_each     = local._dead_letter_readers
  project      = var.project_id
  subscription = google_pubsub_subscription.dead[each.value.subscription].name
  role         = each.value.role
  member       = each.value.member
  depends_on   = [google_service_account.service]
}

resource "google_secret_manager_secret_iam_member" "service" {
  for_each   = local._grants_on["secret"]
  project    = var.project_id
  secret_id  = google_secret_manager_secret.secret[each.value.target].secret_id
  role       = each.value.role
  member     = each.value.member
  depends_on = [google_service_account.service]
}

resource "google_service_account_iam_member" "acts_as" {
  for_each           = local._grants_on["build"]
  service_account_id = "${local.accounts_path}/${local.email[lookup(local._acts_as, each.value.target, each.value.target)]}"
  role               = each.value.role
  member             = each.value.member
  depends_on         = [google_service_account.service, google_service_account.build]
}

resource "google_clouddeploy_delivery_pipeline_iam_member" "service" {
  for_each   = var.cluster == null ? {} : local._grants_on["pipeline"]
  project    = var.project_id
  location   = var.region
  name       = google_clouddeploy_delivery_pipeline.pipeline[each.value.target].name
  role       = each.value.role
  member     = each.value.member
  depends_on = [google_service_account.service]
}
