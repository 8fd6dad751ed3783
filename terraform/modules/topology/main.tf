# Derives every name, size, filter and pair of identities from services.yaml. No provider: it is a function, and tests call it as one.
locals {
  _file     = coalesce(var.file, "${path.module}/../../services.yaml")
  _topology = yamldecode(file(local._file))
  _defaults = local._topology.defaults

  services = {
    for name, service in local._topology.services : name => {
      kind            = service.kind
      public          = try(service.public, false)
      path            = try(service.path, "/")
      subscribes      = tolist([for type in service.subscribes : tostring(type)])
      secrets         = toset(try(service.secrets, []))
      roles           = toset(try(service.roles, []))
      doors           = toset(try(service.doors, []))
      hints           = toset(try(service.hints, []))
      schedules       = { for path, cron in try(service.schedules, {}) : path => tostring(cron) }
      cpu             = tostring(try(service.cpu, local._defaults.cpu))
      memory          = try(service.memory, local._defaults.memory)
      timeout_seconds = try(service.timeoutSeconds, local._defaults.timeoutSeconds)
      instances_min   = try(service.scaling.instancesMin, local._defaults.scaling.instancesMin)
      instances_max   = try(service.scaling.instancesMax, local._defaults.scaling.instancesMax)
      concurrency     = try(service.scaling.concurrency, local._defaults.scaling.concurrency)
      account         = "${var.prefix}-${name}"
    }
  }

  jobs = {
    for name, job in try(local._topology.jobs, {}) : name => {
      name            = "${var.prefix}-${name}"
      program         = "/app/tasks/${name}.js"
      roles           = toset(job.roles)
      cpu             = tostring(try(job.cpu, local._defaults.cpu))
      memory          = try(job.memory, local._defaults.memory)
      timeout_seconds = job.timeoutSeconds
      retries_max     = job.retriesMax
    }
  }

  # One Cloud Run service for each service, and one for each further door of it.
  _deployments = merge([
    for name, service in local.services : {
      for door in(length(service.doors) > 0 ? tolist(service.doors) : [service.kind == "http" ? "github" : "pushes"]) :
      (door == "programs" ? "${name}-programs" : name) => { service = name, door = door }
    }
  ]...)

  deployments = {
    for key, each in local._deployments : key => merge(each, {
      name     = "${var.prefix}-${key}"
      url      = "https://${var.prefix}-${key}-${var.project_number}.${var.region}.run.app"
      audience = "${var.prefix}-${key}"
      iap      = each.door == "people"
      ingress  = contains(["pushes"], each.door) ? "INGRESS_TRAFFIC_INTERNAL_ONLY" : "INGRESS_TRAFFIC_ALL"
    })
  }

  # Limits of Cloud Run: https://cloud.google.com/run/quotas.
  JOB_SECONDS_MAX = 24 * 60 * 60
  JOB_RETRIES_MAX = 10

  # An account has one owner: a job with the name of another would be both.
  names_taken = setintersection(keys(local.jobs), concat(
    keys(local.services), keys(local.deployments), [for name in keys(local.services) : "to-${name}"], ["to-events", "scheduler", "workflows"],
  ))

  email = {
    for account in local.accounts :
    account => "${var.prefix}-${account}@${var.project_id}.iam.gserviceaccount.com"
  }
}
