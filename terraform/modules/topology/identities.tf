# One service account a service, a job and a subscription, one for the clock and one for the workflows; and who may call whom.
locals {
  accounts = toset(concat(
    [for name, service in local.services : name],
    [for name, job in local.jobs : name],
    [for name, service in local.services : "to-${name}" if length(service.subscribes) > 0],
    ["to-events", "scheduler", "workflows"],
  ))

  _invokers = concat(
    [for name, each in local.subscriptions : { deployment = name, caller = "to-${name}" }],
    [for name in distinct([for each in values(local.schedules) : each.service]) : { deployment = name, caller = "scheduler" }],
    [for key, each in local.deployments : { deployment = key, caller = "workflows" } if each.door == "programs"],
    [for key, each in local.deployments : { deployment = key, caller = "iap" } if each.iap],
    [for key, each in local.deployments : { deployment = key, caller = "everybody" } if each.door == "github" && local.services[each.service].public],
  )

  # Who may call which Cloud Run service: "deployment<caller".
  invokers = { for each in local._invokers : "${each.deployment}<${each.caller}" => each }
}
