output "accounts" {
  description = "Names of the service accounts, without prefix."
  value       = local.accounts
  precondition {
    condition     = alltrue([for account in local.accounts : length("${var.prefix}-${account}") <= 30])
    error_message = "Names of service accounts end at 30 characters: take a shorter prefix."
  }
}

output "deployments" {
  description = "Cloud Run services: key → name, URL, audience, door, ingress. The delivery pipeline of each and its target have the same name."
  value       = local.deployments
  precondition {
    condition     = alltrue([for each in local.deployments : can(regex("^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$", each.name))])
    error_message = "Names of Cloud Run services must have at most 40 lower-case letters, digits and dashes: a rollout of Cloud Deploy is called r-<12 of commit>-to-<name>-0001, and has 63. Take a shorter name or prefix."
  }
  precondition {
    condition     = !contains(keys(local.deployments), "backends")
    error_message = "No service may be called backends: the delivery pipeline of models has that name."
  }
}

output "email" {
  description = "Account → e-mail address."
  value       = local.email
}

output "grants" {
  description = "What each service and each job may do, and on what."
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

output "jobs" {
  description = "Cloud Run jobs: what each runs, its size, and how long and how often."
  value       = local.jobs
  precondition {
    condition     = length(local.names_taken) == 0
    error_message = "Jobs of services.yaml have names of other accounts, whose rights they would have: ${join(", ", local.names_taken)}. Name them otherwise."
  }
  precondition {
    condition     = alltrue([for job in local.jobs : job.timeout_seconds >= 1 && job.timeout_seconds <= local.JOB_SECONDS_MAX])
    error_message = "timeoutSeconds of a job must be 1 to ${local.JOB_SECONDS_MAX}, a day: longer ones are a preview of Cloud Run."
  }
  precondition {
    condition     = alltrue([for job in local.jobs : contains(range(0, local.JOB_RETRIES_MAX + 1), job.retries_max)])
    error_message = "retriesMax of a job must be 0 to ${local.JOB_RETRIES_MAX}, which is what Cloud Run takes."
  }
  precondition {
    condition     = alltrue([for job in local.jobs : can(regex("^[1248]$", job.cpu)) && can(regex("^[0-9]+[MG]i$", job.memory))])
    error_message = "cpu of a job must be 1, 2, 4 or 8, and memory such as 512Mi or 2Gi."
  }
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
