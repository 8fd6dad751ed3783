# Who is told which facts. A filter has at most 256 bytes and cannot be changed, so it names families ("plan."), not types:
# a new type of a family that a service hears already needs no new subscription. What a service does not want it answers with 204.
locals {
  FILTER_BYTES_MAX = 256

  _families = {
    for name, service in local.services :
    name => sort(distinct([for type in service.subscribes : split(".", type)[0]]))
  }

  subscriptions = {
    for name, service in local.services : name => {
      name     = "${var.prefix}-facts-${name}"
      dead     = "${var.prefix}-facts-${name}-dead"
      filter   = join(" OR ", [for family in local._families[name] : "hasPrefix(attributes.type,\"${family}.\")"])
      endpoint = "${local.deployments[name].url}/"
      audience = local.deployments[name].audience
      account  = "to-${name}"
    } if length(service.subscribes) > 0
  }

  # A hint is a reason to look at the world at once: the service takes nothing else from the message.
  hints = merge([
    for name, service in local.services : {
      for topic in service.hints : "${name}-${topic}" => {
        service  = name
        topic    = topic
        name     = "${var.prefix}-hint-${name}-${topic}"
        endpoint = "${local.deployments[name].url}/hints/${topic}"
        audience = local.deployments[name].audience
        account  = "to-${name}"
      }
    }
  ]...)

  schedules = merge([
    for name, service in local.services : {
      for path, cron in service.schedules :
      "${name}${replace(path, "/", "-")}" => {
        service  = name
        cron     = cron
        uri      = "${local.deployments[name].url}${path}"
        audience = local.deployments[name].audience
      }
    }
  ]...)
}
