# The settings of every push, service and schedule, one assertion each.
mock_provider "google" {
  mock_data "google_project" {
    defaults = {
      number = "123456789012"
    }
  }
}

variables {
  project_id         = "example-dev"
  environment        = "dev"
  region             = "us-central1"
  firestore_location = "us-central1"
  image              = "us-central1-docker.pkg.dev/example-dev/signalbox-dev/signalbox@sha256:0000000000000000000000000000000000000000000000000000000000000001"
  build_image        = "us-central1-docker.pkg.dev/example-dev/signalbox-dev/build@sha256:0000000000000000000000000000000000000000000000000000000000000002"
  cluster            = "projects/example-dev/locations/us-central1/clusters/models"
  cluster_endpoint   = "gke-0123456789abcdef-123456789012.us-central1.gke.goog"
  people             = ["group:ml@example.com"]
  administrators     = ["group:platform@example.com"]
  target_projects    = { "example-dev" = { roles = ["roles/compute.networkAdmin"] } }
}

run "settings" {
  command = plan

  assert {
    condition     = length(google_pubsub_subscription.push) == 6
    error_message = "One subscription a fact service, and one for outside events."
  }
  assert {
    condition     = alltrue([for each in google_pubsub_subscription.push : each.ack_deadline_seconds == 60])
    error_message = "The acknowledgement deadline is 60 s."
  }
  assert {
    condition = alltrue([
      for name, each in google_pubsub_subscription.push :
      each.retry_policy[0].minimum_backoff == "10s" && each.retry_policy[0].maximum_backoff == "600s" if name != "provisioner"
    ])
    error_message = "A push that failed comes again after 10 to 600 s."
  }
  assert {
    condition     = google_pubsub_subscription.push["provisioner"].retry_policy[0].minimum_backoff == "5s" && google_pubsub_subscription.push["provisioner"].retry_policy[0].maximum_backoff == "120s"
    error_message = "What comes from the webhook is tried again after 5 to 120 s."
  }
  assert {
    condition     = alltrue([for each in google_pubsub_subscription.push : each.dead_letter_policy[0].max_delivery_attempts == 10])
    error_message = "Ten attempts, then the dead letters."
  }
  assert {
    condition     = alltrue([for each in google_pubsub_subscription.push : each.message_retention_duration == "604800s"])
    error_message = "Work is kept for 7 days."
  }
  assert {
    condition     = alltrue([for each in google_pubsub_subscription.dead : each.message_retention_duration == "2678400s"])
    error_message = "Dead letters are kept for 31 days."
  }
  assert {
    condition     = alltrue([for each in concat(values(google_pubsub_subscription.push), values(google_pubsub_subscription.dead), values(google_pubsub_subscription.hint)) : each.expiration_policy[0].ttl == ""])
    error_message = "No subscription expires because nothing came."
  }
  assert {
    condition     = alltrue([for each in google_pubsub_subscription.push : each.enable_message_ordering == false])
    error_message = "No order is asked for."
  }
  assert {
    condition     = alltrue([for name, each in google_pubsub_subscription.push : each.filter == output.subscriptions[name].filter if name != "events"])
    error_message = "Filters are those of the topology."
  }
  assert {
    condition     = length(google_pubsub_topic.dead) == length(google_pubsub_subscription.push) && keys(google_pubsub_subscription.dead) == keys(google_pubsub_topic.dead)
    error_message = "Every subscription has dead letters, and these have a subscription, without which they keep nothing."
  }
  assert {
    condition = alltrue([
      for name, each in google_pubsub_subscription.push :
      each.push_config[0].oidc_token[0].service_account_email == "signalbox-dev-to-${name}@example-dev.iam.gserviceaccount.com"
    ])
    error_message = "One service account a subscription."
  }
  assert {
    condition     = length(distinct([for each in google_pubsub_subscription.push : each.push_config[0].oidc_token[0].audience])) == 6 && alltrue([for each in google_pubsub_subscription.push : !startswith(each.push_config[0].oidc_token[0].audience, "https://")])
    error_message = "The audience is a stable name of its own, not a URL."
  }
  assert {
    condition     = toset([for topic in google_pubsub_topic.notifications : topic.name]) == toset(["cloud-builds", "clouddeploy-operations", "clouddeploy-resources", "clouddeploy-approvals"])
    error_message = "Google publishes to topics of these names only."
  }
  assert {
    condition     = alltrue([for each in concat(values(google_pubsub_topic.ours), values(google_pubsub_topic.dead)) : join(" ", each.message_storage_policy[0].allowed_persistence_regions) == "us-central1" && each.message_storage_policy[0].enforce_in_transit == null])
    error_message = "Messages are kept in our region, wherever they are published from."
  }

  assert {
    condition     = toset(keys(google_pubsub_subscription.hint)) == toset(["provisioner-cloud-builds", "registry-cloud-builds", "rollout-clouddeploy-operations", "rollout-clouddeploy-resources", "rollout-clouddeploy-approvals"])
    error_message = "Builds make the provisioner and the registry look, deployments the rollout service."
  }
  assert {
    condition = alltrue([
      for key, each in google_pubsub_subscription.hint :
      each.push_config[0].push_endpoint == "https://signalbox-dev-${module.topology.hints[key].service}-123456789012.us-central1.run.app/hints/${module.topology.hints[key].topic}"
      && each.push_config[0].oidc_token[0].service_account_email == "signalbox-dev-to-${module.topology.hints[key].service}@example-dev.iam.gserviceaccount.com"
      && each.push_config[0].oidc_token[0].audience == "signalbox-dev-${module.topology.hints[key].service}"
    ])
    error_message = "A hint goes to its own path, signed as the service's own subscriptions are."
  }
  assert {
    condition     = alltrue([for each in google_pubsub_subscription.hint : each.message_retention_duration == "3600s" && length(each.dead_letter_policy) == 0])
    error_message = "A hint is worth nothing an hour later, and is nobody's dead letter."
  }
  assert {
    condition = (
      google_pubsub_subscription.push["events"].push_config[0].push_endpoint == "${output.deployments["api-programs"].url}/v1/events:push"
      && module.service["api-programs"].settings.env["SIGNALBOX_SUBSCRIPTION"] == "projects/example-dev/subscriptions/${google_pubsub_subscription.push["events"].name}"
      && module.service["api-programs"].settings.env["SIGNALBOX_PUSH_ACCOUNT"] == google_pubsub_subscription.push["events"].push_config[0].oidc_token[0].service_account_email
      && split(",", module.service["api-programs"].settings.env["SIGNALBOX_AUDIENCES"])[0] == google_pubsub_subscription.push["events"].push_config[0].oidc_token[0].audience
    )
    error_message = "The API expects outside events from the subscription that pushes them, as its account and for its audience."
  }
  assert {
    condition     = { for key in ["api", "api-programs", "console"] : key => module.service[key].settings.env["SIGNALBOX_DOOR"] } == { api = "people", api-programs = "programs", console = "people" }
    error_message = "Each edge is told whose door it is."
  }
  assert {
    condition     = module.service["console"].settings.env["SIGNALBOX_IAP_AUDIENCE"] == "/projects/123456789012/locations/us-central1/services/signalbox-dev-console"
    error_message = "An edge behind IAP takes assertions for itself alone."
  }

  assert {
    condition     = length(module.service) == 10
    error_message = "Nine services, of which the API has two doors."
  }
  assert {
    condition     = alltrue([for each in module.service : each.settings.concurrency == 40])
    error_message = "An instance handles 40 requests at a time."
  }
  assert {
    condition     = alltrue([for each in module.service : each.settings.instances_max == 10])
    error_message = "Ten instances at most: then Pub/Sub slows down."
  }
  assert {
    condition     = alltrue([for each in module.service : each.settings.instances_min == 0])
    error_message = "Nothing is kept warm unless it is asked for."
  }
  assert {
    condition     = alltrue([for each in module.service : each.settings.timeout == "55s"])
    error_message = "A request takes 55 s at most, less than the acknowledgement deadline."
  }
  assert {
    condition     = alltrue([for each in module.service : each.settings.startup_cpu_boost && each.settings.cpu_idle])
    error_message = "Starts are boosted, and idle instances cost nothing."
  }
  assert {
    condition     = alltrue([for each in module.service : each.settings.execution_environment == "EXECUTION_ENVIRONMENT_GEN2"])
    error_message = "Second generation."
  }

  assert {
    condition     = alltrue([for key, each in module.service : each.settings.audiences == tolist(["signalbox-dev-${key}"]) && each.settings.limits == tomap({ cpu = "1", memory = "512Mi" }) && each.settings.binary_authorization])
    error_message = "A service takes tokens that name it, has a processor and half a gibibyte, and runs admitted images only."
  }
  assert {
    condition = alltrue([
      for key in ["webhook", "api", "api-programs", "console"] :
      module.service[key].settings.env["SIGNALBOX_HOSTS"] == "signalbox-dev-${key}-123456789012.us-central1.run.app"
    ])
    error_message = "An edge answers to its own name."
  }

  assert {
    condition     = keys(google_cloud_run_v2_job.job) == ["rebuild-views"] && google_cloud_run_v2_job.job["rebuild-views"].name == "signalbox-dev-rebuild-views" && google_cloud_run_v2_job.job["rebuild-views"].location == "us-central1"
    error_message = "One job, beside the services."
  }
  assert {
    condition     = google_cloud_run_v2_job.job["rebuild-views"].template[0].template[0].containers[0].image == "us-central1-docker.pkg.dev/example-dev/signalbox-dev/signalbox@sha256:0000000000000000000000000000000000000000000000000000000000000001"
    error_message = "A job is of the same image as the services."
  }
  assert {
    condition     = google_cloud_run_v2_job.job["rebuild-views"].template[0].template[0].containers[0].command == tolist(["/nodejs/bin/node", "--disable-warning=ExperimentalWarning", "/app/tasks/rebuild-views.js"]) && google_cloud_run_v2_job.job["rebuild-views"].template[0].template[0].containers[0].args == null
    error_message = "A job runs its own program, and arguments are for that."
  }
  assert {
    condition = (
      google_cloud_run_v2_job.job["rebuild-views"].template[0].task_count == 1
      && google_cloud_run_v2_job.job["rebuild-views"].template[0].parallelism == 1
      && google_cloud_run_v2_job.job["rebuild-views"].template[0].template[0].timeout == "86400s"
      && google_cloud_run_v2_job.job["rebuild-views"].template[0].template[0].max_retries == 3
    )
    error_message = "One task, for a day at most, three times again."
  }
  assert {
    condition     = google_cloud_run_v2_job.job["rebuild-views"].template[0].template[0].containers[0].resources[0].limits == tomap({ cpu = "1", memory = "2Gi" })
    error_message = "It has memory for the documents of one view."
  }
  assert {
    condition     = google_cloud_run_v2_job.job["rebuild-views"].template[0].template[0].execution_environment == "EXECUTION_ENVIRONMENT_GEN2"
    error_message = "Second generation, as the services."
  }
  assert {
    condition = { for each in google_cloud_run_v2_job.job["rebuild-views"].template[0].template[0].containers[0].env : each.name => each.value } == {
      for name, value in module.service["data"].settings.env : name => value
      if !contains(["SIGNALBOX_AUDIENCES", "SIGNALBOX_PUSH_ACCOUNT", "SIGNALBOX_SCHEDULER_ACCOUNT", "SIGNALBOX_SUBSCRIPTION"], name)
    }
    error_message = "A job is told what services are told, but for who calls them."
  }
  assert {
    condition     = google_cloud_run_v2_job.job["rebuild-views"].labels == tomap({ app = "signalbox", environment = "dev" }) && google_cloud_run_v2_job.job["rebuild-views"].template[0].labels == google_cloud_run_v2_job.job["rebuild-views"].labels
    error_message = "It bears the labels of the services, and so does each run."
  }
  assert {
    condition     = google_cloud_run_v2_job.job["rebuild-views"].start_execution_token == null && google_cloud_run_v2_job.job["rebuild-views"].run_execution_token == null
    error_message = "No apply starts a job."
  }

  assert {
    condition     = alltrue([for name in ["relay", "rollout", "webhook", "notifier"] : google_cloud_scheduler_job.schedule["${name}-reconcile"].schedule == "* * * * *"])
    error_message = "The outbox, traffic, receipts that were left and notifications that are due are looked at every minute."
  }
  assert {
    condition     = google_cloud_scheduler_job.schedule["relay-redeliveries"].schedule == "*/5 * * * *" && google_cloud_scheduler_job.schedule["relay-redeliveries"].http_target[0].uri == "https://signalbox-dev-relay-123456789012.us-central1.run.app/redeliveries"
    error_message = "GitHub is asked every 5 minutes for deliveries that never came."
  }
  assert {
    condition     = google_cloud_scheduler_job.schedule["webhook-reconcile"].http_target[0].uri == "https://signalbox-dev-webhook-123456789012.us-central1.run.app/reconcile" && google_cloud_scheduler_job.schedule["webhook-reconcile"].http_target[0].oidc_token[0].audience == "signalbox-dev-webhook"
    error_message = "The clock calls the webhook with a token for the webhook alone."
  }
  assert {
    condition     = alltrue([for name in ["provisioner", "data", "registry"] : google_cloud_scheduler_job.schedule["${name}-reconcile"].schedule == "*/5 * * * *"])
    error_message = "Builds and executions are looked after every 5 minutes."
  }
  assert {
    condition     = alltrue([for each in google_cloud_scheduler_job.schedule : each.retry_config[0].retry_count == 0 && each.http_target[0].oidc_token[0].service_account_email == "signalbox-dev-scheduler@example-dev.iam.gserviceaccount.com"])
    error_message = "The clock calls as itself and does not insist."
  }
  assert {
    condition     = alltrue([for each in google_cloud_scheduler_job.schedule : each.attempt_deadline == "60s" && each.time_zone == "Etc/UTC"])
    error_message = "A call of the clock has a minute, longer than a request may take."
  }
  assert {
    condition     = toset(keys(google_workflows_workflow.workflow)) == toset(["canary", "data-run"])
    error_message = "The shipped workflows, and no cases of tests."
  }

  assert {
    condition = alltrue([
      for each in module.service :
      each.settings.env["SIGNALBOX_CLUSTER_ENDPOINT"] == "https://gke-0123456789abcdef-123456789012.us-central1.gke.goog"
      && each.settings.env["SIGNALBOX_GATEWAY"] == "signalbox-gateways/models" && each.settings.env["SIGNALBOX_BACKEND_PORT"] == "80"
    ])
    error_message = "Services are told how the cluster is reached and how endpoints lie in it."
  }
  assert {
    condition = alltrue([
      for each in module.service :
      each.settings.env["SIGNALBOX_RUNS_NAMESPACE"] == "signalbox-runs" && each.settings.env["SIGNALBOX_RUNS_QUEUE"] == "none"
      && can(jsondecode(each.settings.env["SIGNALBOX_RAY_CLUSTER"]).headGroupSpec.template.spec.containers[0].image)
    ])
    error_message = "Services are told where runs go, and what each gets a Ray cluster of."
  }
  assert {
    condition = alltrue([
      for each in module.service :
      each.settings.env["SIGNALBOX_ARTIFACTS"] == "gs://${google_storage_bucket.bucket["artifacts"].name}"
      && each.settings.env["SIGNALBOX_DIGESTS_FOLDER"] == "gs://${google_storage_bucket.bucket["digests"].name}/artifacts"
      && each.settings.env["SIGNALBOX_DIGEST_ACCOUNT"] == "signalbox-dev-digest@example-dev.iam.gserviceaccount.com"
    ])
    error_message = "Services are told where artifacts lie, and who reads the large ones."
  }
  assert {
    condition     = alltrue([for name, each in google_workflows_workflow.workflow : each.name == "${module.service["rollout"].settings.env["SIGNALBOX_PREFIX"]}-${name}"])
    error_message = "Workflows are named as the services ask for them: prefix, hyphen, name."
  }
  assert {
    condition     = google_clouddeploy_delivery_pipeline.pipeline["backends"].name == "signalbox-dev-backends" && google_clouddeploy_target.target["backends"].name == "signalbox-dev-backends"
    error_message = "The rollout service releases to the pipeline and the target PREFIX-backends."
  }
  assert {
    condition = toset([for key, each in google_clouddeploy_delivery_pipeline.pipeline : "${key}=${each.name}"]) == toset(concat(
      [for key, each in output.deployments : "${key}=${each.name}"], ["backends=signalbox-dev-backends"],
    ))
    error_message = "Each Cloud Run service has a pipeline with its name, and there is no other but that of backends."
  }
  assert {
    condition = alltrue([
      for key, each in google_clouddeploy_delivery_pipeline.pipeline :
      length(each.serial_pipeline[0].stages) == 1 && each.serial_pipeline[0].stages[0].target_id == each.name && google_clouddeploy_target.target[key].name == each.name
    ])
    error_message = "A pipeline has one stage and a target of its own: Cloud Deploy takes one service a target, and asks money for more stages."
  }
  assert {
    condition = alltrue([
      for key, each in google_clouddeploy_target.target :
      each.run[0].location == "projects/example-dev/locations/us-central1"
      && each.execution_configs[0].service_account == "signalbox-dev-release@example-dev.iam.gserviceaccount.com"
      && each.execution_configs[0].artifact_storage == "gs://${google_storage_bucket.bucket["artifacts"].name}/services"
      && toset(each.execution_configs[0].usages) == toset(["RENDER", "DEPLOY"])
      && each.labels == tomap({ app = "signalbox", environment = "dev" }) if key != "backends"
    ])
    error_message = "Services are deployed to the region of their pipeline, by the account `release`, with our labels."
  }
}
