output "accounts" {
  description = "Names of the service accounts, without prefix."
  value       = local.accounts
  precondition {
    condition     = alltrue([for account in local.accounts : length("${var.prefix}-${account}") <= 30])
    error_message = "Names of service accounts end at 30 characters: take a shorter prefix."
  }
}

output "deployments" {
  description = "Cloud Run services: key → name, URL, audience, door, ingress."
  value       = local.deployments
}

output "email" {
  description = "Account → e-mail address."
  value       = local.email
}

output "grants" {
  description = "What each service may do, and on what."
  value       = { for key, same in local.grants : key => same[0] }
  precondition {
    condition     = length(local.unknown_roles) == 0
    error_message = "services.yaml names roles that modules/topology/roles.tf does not have: ${join(", ", local.unknown_roles)}."
  }
}

output "hints" {
  description = "Push subscriptions on topics of Google's own."
  value       = local.hints
}

output "invokers" {
  description = "Who may call which Cloud Run service."
  value       = local.invokers
}

output "schedules" {
  description = "What Cloud Scheduler calls."
  value       = local.schedules
}

output "secrets" {
  description = "Every secret that a service reads."
  value       = toset(flatten([for service in local.services : tolist(service.secrets)]))
}

output "services" {
  description = "Services with their settings, defaults filled in."
  value       = local.services
}

output "subscriptions" {
  description = "Push subscriptions on the topic of facts, one a service that asks for facts."
  value       = local.subscriptions
  precondition {
    condition     = alltrue([for each in local.subscriptions : length(each.filter) <= local.FILTER_BYTES_MAX])
    error_message = "A filter would have more than 256 bytes, the most that Pub/Sub takes. Let the service hear fewer families of facts."
  }
}
