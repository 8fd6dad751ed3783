# One service account a service, a job and a subscription, and nothing shared between two of them. There are no keys of service accounts.
resource "google_service_account" "service" {
  for_each     = module.topology.accounts
  project      = var.project_id
  account_id   = "${local.prefix}-${each.value}"
  display_name = "Signalbox ${var.environment}: ${each.value}"
  depends_on   = [google_project_service.api]
}

# Pub/Sub, Scheduler and Workflows make tokens of the accounts that they call with.
resource "google_service_account_iam_member" "pushes" {
  for_each           = toset(concat([for each in local.subscriptions : each.account], ["to-events"]))
  service_account_id = "${local.accounts_path}/${local.email[each.value]}"
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.agents.pubsub
  depends_on         = [google_service_account.service]
}

locals {
  accounts_path = "projects/${var.project_id}/serviceAccounts"

  # IAM members of the words that the topology uses for callers.
  callers = merge(
    { for account, email in module.topology.email : account => "serviceAccount:${email}" },
    { everybody = "allUsers", iap = local.agents.iap },
  )
}
