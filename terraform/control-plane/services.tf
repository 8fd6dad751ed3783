locals {
  # One small head without workers: enough for a first run, and named by version.
  _ray_cluster = {
    rayVersion = "2.60.0"
    headGroupSpec = {
      rayStartParams = {}
      template = { spec = { containers = [{
        name      = "ray"
        image     = "rayproject/ray:2.60.0"
        resources = { requests = { cpu = "2", memory = "4Gi" }, limits = { cpu = "2", memory = "4Gi" } }
      }] } }
    }
  }

  # The same for all services and jobs; docs/deploy.md explains each. Nothing here is a secret.
  _env = {
    GOOGLE_CLOUD_PROJECT       = var.project_id
    SIGNALBOX_WORLD            = "google-cloud"
    SIGNALBOX_PREFIX           = local.prefix
    SIGNALBOX_STATE            = "/tmp/signalbox" # in memory, of one instance: nothing that must stay
    SIGNALBOX_REGION           = var.region
    SIGNALBOX_DATABASE         = local.database
    SIGNALBOX_FACTS_TOPIC      = "${local.prefix}-facts"
    SIGNALBOX_API_URL          = local.deployments["api-programs"].url
    SIGNALBOX_BUCKETS          = jsonencode(local.bucket_name)
    SIGNALBOX_BUILDS_FOLDER    = "gs://${local.bucket_name["fences"]}/builds"
    SIGNALBOX_ARTIFACTS        = "gs://${local.bucket_name["artifacts"]}"
    SIGNALBOX_DIGESTS_FOLDER   = "gs://${local.bucket_name["digests"]}/artifacts"
    SIGNALBOX_DIGEST_ACCOUNT   = local.build_email["digest"]
    SIGNALBOX_RELEASES_FOLDER  = "gs://${local.bucket_name["artifacts"]}/releases"
    SIGNALBOX_BUILD_POOL       = coalesce(local.worker_pool, "default")
    SIGNALBOX_BUILD_IDENTITIES = jsonencode(local.build_email)
    SIGNALBOX_BUILD_IMAGE      = var.build_image
    SIGNALBOX_CLUSTER          = coalesce(var.cluster, "none")
    SIGNALBOX_CLUSTER_ENDPOINT = var.cluster_endpoint == null ? "none" : "https://${var.cluster_endpoint}"
    SIGNALBOX_GATEWAY          = var.gateway
    SIGNALBOX_BACKEND_PORT     = tostring(var.backend_port)
    SIGNALBOX_RUNS_NAMESPACE   = var.runs.namespace
    SIGNALBOX_RUNS_QUEUE       = coalesce(var.runs.queue, "none")
    SIGNALBOX_RAY_CLUSTER      = var.runs.ray_cluster == null ? jsonencode(local._ray_cluster) : jsonencode(var.runs.ray_cluster)
  }

  # What each door asks of its callers: the application checks again what IAM let through.
  _env_of_door = {
    for key, each in local.deployments : key => merge(
      local.services[each.service].kind == "http" ? {
        SIGNALBOX_HOSTS = join(",", concat([trimprefix(each.url, "https://")], var.load_balancer == null ? [] : [var.load_balancer.domain]))
      } : {},
      { SIGNALBOX_AUDIENCES = join(",", [each.audience, each.url]) },
      each.door == "people" ? {
        SIGNALBOX_IAP_AUDIENCE = "/projects/${local.project_number}/locations/${var.region}/services/${each.name}"
      } : {},
      contains(keys(local.subscriptions), each.service) ? {
        SIGNALBOX_SUBSCRIPTION = "projects/${var.project_id}/subscriptions/${local.subscriptions[each.service].name}"
        SIGNALBOX_PUSH_ACCOUNT = local.email["to-${each.service}"]
      } : {},
      length(local.services[each.service].hints) > 0 ? {
        SIGNALBOX_HINTS = jsonencode({ for hint in values(module.topology.hints) : hint.topic => "projects/${var.project_id}/subscriptions/${hint.name}" if hint.service == each.service })
      } : {},
      length(local.services[each.service].schedules) > 0 ? { SIGNALBOX_SCHEDULER_ACCOUNT = local.email["scheduler"] } : {},
      contains(["people", "programs"], each.door) ? { SIGNALBOX_DOOR = each.door } : {},
      each.door == "programs" ? {
        SIGNALBOX_WORKFLOW_ACCOUNT = local.email["workflows"]
        SIGNALBOX_SUBSCRIPTION     = "projects/${var.project_id}/subscriptions/${local._events.name}"
        SIGNALBOX_PUSH_ACCOUNT     = local.email[local._events.account]
      } : {},
    )
  }

  _behind_load_balancer = toset([for key, each in local.deployments : key if var.load_balancer != null && contains(["people", "github"], each.door)])
}

module "service" {
  source                = "../modules/service"
  for_each              = local.deployments
  project_id            = var.project_id
  region                = var.region
  name                  = each.value.name
  entry                 = each.value.service
  image                 = var.image
  account               = local.email[each.value.service]
  audience              = each.value.audience
  iap                   = each.value.iap
  ingress               = contains(local._behind_load_balancer, each.key) ? "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER" : each.value.ingress
  env                   = merge(local._env, local._env_of_door[each.key])
  cpu                   = local.services[each.value.service].cpu
  memory                = local.services[each.value.service].memory
  timeout_seconds       = local.services[each.value.service].timeout_seconds
  concurrency           = local.services[each.value.service].concurrency
  instances_min         = max(local.services[each.value.service].instances_min, lookup(var.instances_min, each.key, 0))
  instances_max         = local.services[each.value.service].instances_max
  invokers              = merge({ for key, pair in module.topology.invokers : pair.caller => local.callers[pair.caller] if pair.deployment == each.key }, local._programs[each.key])
  binary_authorization  = true
  deletion_protection   = var.protected
  labels                = local.labels
  notification_channels = local.notification_channels
  # A service that may not read its secrets yet ends at its start, and Cloud Run makes only services that start.
  depends_on = [google_service_account.service, google_binary_authorization_policy.policy, google_secret_manager_secret_iam_member.service]
}
