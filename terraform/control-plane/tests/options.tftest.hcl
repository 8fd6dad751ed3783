# What is optional, off and on. bench/idle-cost.ts and the topology test read the plans of these runs.
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
  administrators     = ["group:platform@example.com"]
  firestore_location = "us-central1"
  image              = "us-central1-docker.pkg.dev/example-dev/signalbox-dev/signalbox@sha256:0000000000000000000000000000000000000000000000000000000000000001"
  build_image        = "us-central1-docker.pkg.dev/example-dev/signalbox-dev/build@sha256:0000000000000000000000000000000000000000000000000000000000000002"
}

run "smallest" {
  command = plan
  variables {
    protected = false
  }

  assert {
    condition     = length(google_cloudbuild_worker_pool.pool) == 0 && length(google_compute_network.builds) == 0 && length(google_compute_router_nat.builds) == 0
    error_message = "Without a pool there is no network."
  }
  assert {
    condition     = length(google_compute_global_forwarding_rule.front) == 0 && length(google_compute_backend_service.service) == 0
    error_message = "Without a domain there is no load balancer."
  }
  assert {
    condition     = keys(google_clouddeploy_delivery_pipeline.pipeline) == keys(output.deployments)
    error_message = "Without a cluster there is nothing to deploy backends to."
  }
  assert {
    condition     = length(google_kms_crypto_key.images) == 0 && length(google_binary_authorization_attestor.built) == 0 && output.signing == null
    error_message = "Without `signing` there is no key to pay for."
  }
  assert {
    condition     = length(google_iam_workload_identity_pool.github) == 0
    error_message = "Without repositories there is no federation."
  }
  assert {
    condition     = length(google_monitoring_alert_policy.alert) == 0 && length(google_monitoring_alert_policy.log) == 0
    error_message = "Without anybody to wake nothing is paid for."
  }
  assert {
    condition     = length(google_cloudbuild_trigger.image) == 0 && length(google_cloudbuildv2_connection_iam_member.image) == 0
    error_message = "Without a repository a person starts builds of the image."
  }
  assert {
    condition     = output.webhook_url == "https://signalbox-dev-webhook-123456789012.us-central1.run.app/webhooks/github"
    error_message = "GitHub calls the service itself."
  }
  assert {
    condition     = !anytrue([for each in google_clouddeploy_target.target : each.require_approval])
    error_message = "A place to try things asks nobody."
  }
  assert {
    condition     = !anytrue([for each in google_cloud_run_v2_job.job : each.deletion_protection])
    error_message = "What is not protected can be deleted, jobs too."
  }
  assert {
    condition     = alltrue([for each in module.service : each.settings.env["SIGNALBOX_CLUSTER"] == "none" && each.settings.env["SIGNALBOX_CLUSTER_ENDPOINT"] == "none"])
    error_message = "Without a cluster services are told that there is none, and start."
  }
}

run "restored" {
  command = plan
  variables {
    protected = false
    database  = "signalbox-dev-2"
  }

  assert {
    condition     = google_firestore_database.ledger.name == "signalbox-dev-2" && alltrue([for each in google_firestore_index.index : each.database == "signalbox-dev-2"])
    error_message = "A database that was put back is the one that is kept, with its indexes."
  }
  assert {
    condition     = alltrue([for each in module.service : each.settings.env["SIGNALBOX_DATABASE"] == "signalbox-dev-2"])
    error_message = "Every service is told of it, and so starts anew."
  }
  assert {
    condition     = alltrue([for each in google_cloud_run_v2_job.job : contains([for variable in each.template[0].template[0].containers[0].env : "${variable.name}=${variable.value}"], "SIGNALBOX_DATABASE=signalbox-dev-2")])
    error_message = "Every job is told of it, too."
  }
  assert {
    condition     = length(google_project_iam_member.database) > 0 && alltrue([for each in google_project_iam_member.database : each.condition[0].expression == "resource.name == \"projects/example-dev/databases/signalbox-dev-2\""])
    error_message = "Their rights are those on this database, and no longer on the one before."
  }
  assert {
    condition     = alltrue([for each in module.service : each.settings.env["SIGNALBOX_PREFIX"] == "signalbox-dev"])
    error_message = "Nothing else changes its name."
  }
}

run "a_pool_without_egress" {
  command = plan
  variables {
    protected   = false
    worker_pool = {}
  }

  assert {
    condition     = length(google_cloudbuild_worker_pool.pool) == 1 && length(google_compute_router.builds) == 0 && length(google_compute_router_nat.builds) == 0
    error_message = "A pool reaches Google's APIs and nothing else unless it is asked to."
  }
}

run "default_database" {
  command = plan
  variables {
    database = "(default)"
  }
  expect_failures = [var.database]
}

run "everything" {
  command = plan
  variables {
    environment           = "prod"
    protected             = true
    cluster               = "projects/example-dev/locations/us-central1/clusters/models"
    cluster_endpoint      = "gke-0123456789abcdef-123456789012.us-central1.gke.goog"
    worker_pool           = { egress = "nat" }
    load_balancer         = { domain = "signalbox.example.com" }
    instances_min         = { webhook = 1 }
    people                = ["group:ml@example.com"]
    programs              = ["serviceAccount:trainer@example-dev.iam.gserviceaccount.com"]
    event_publishers      = ["serviceAccount:trainer@example-dev.iam.gserviceaccount.com"]
    github_repository_ids = ["123456789"]
    alert_emails          = ["oncall@example.com"]
    build_trigger         = { repository = "projects/example-dev/locations/us-central1/connections/github/repositories/signalbox" }
    attestors             = ["projects/example-dev/attestors/built-by-us"]
    signing               = { enforced = true }
    kms_key               = "projects/example-dev/locations/us-central1/keyRings/k/cryptoKeys/c"
    target_projects       = { "example-dev" = { roles = ["roles/compute.networkAdmin"] } }
  }

  assert {
    condition     = google_cloudbuild_worker_pool.pool[0].worker_config[0].no_external_ip && google_cloudbuild_worker_pool.pool[0].private_service_connect[0].route_all_traffic
    error_message = "Builds have no address of their own, and all they send goes through our network."
  }
  assert {
    condition     = alltrue([for each in google_clouddeploy_target.target : each.execution_configs[0].worker_pool == "projects/example-dev/locations/us-central1/workerPools/signalbox-prod"])
    error_message = "Deployments run in the pool as well."
  }
  assert {
    condition     = google_clouddeploy_target.target["backends"].gke[0].dns_endpoint
    error_message = "The private cluster is reached by its DNS-based endpoint."
  }
  assert {
    condition     = alltrue([for key, each in google_clouddeploy_target.target : each.require_approval == (key != "backends")])
    error_message = "Every service is released with approval; backends are not, because nothing moves to them by that."
  }
  assert {
    condition     = alltrue([for key, each in module.service : each.settings.ingress == "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER" if contains(["webhook", "console", "api"], key)])
    error_message = "Behind the load balancer nobody comes past it."
  }
  assert {
    condition     = alltrue([for each in google_compute_url_map.front[0].path_matcher[0].path_rule : each.paths == toset(["/webhooks/github"]) || each.paths == toset(["/v1/*", "/api/*"])])
    error_message = "Of the webhook one path is public."
  }
  assert {
    condition     = join(", ", sort([for each in google_compute_security_policy.front[0].rule : "${each.priority} ${each.action} ${try("${each.rate_limit_options[0].exceed_action} ${each.rate_limit_options[0].enforce_on_key} ${each.rate_limit_options[0].rate_limit_threshold[0].count}/${each.rate_limit_options[0].rate_limit_threshold[0].interval_sec}", "")}"])) == "1000 throttle deny(429) IP 600/60, 2147483647 allow " && alltrue([for each in google_compute_backend_service.service : each.protocol == "HTTPS" && each.load_balancing_scheme == "EXTERNAL_MANAGED"])
    error_message = "An address that asks more than ten times a second is turned away before it reaches us."
  }
  assert {
    condition = (
      google_compute_subnetwork.builds[0].private_ip_google_access && google_compute_network_attachment.builds[0].connection_preference == "ACCEPT_MANUAL"
      && google_dns_record_set.googleapis["private.googleapis.com."].rrdatas == tolist(["199.36.153.8", "199.36.153.9", "199.36.153.10", "199.36.153.11"])
      && google_dns_record_set.googleapis["*.googleapis.com."].rrdatas == tolist(["private.googleapis.com."])
    )
    error_message = "The pool reaches Google's APIs by the addresses of private.googleapis.com."
  }
  assert {
    condition     = google_kms_crypto_key_iam_member.signer[0].role == "roles/cloudkms.signerVerifier" && google_kms_crypto_key.images[0].version_template[0].algorithm == "EC_SIGN_P256_SHA256" && google_container_analysis_note_iam_member.signer[0].role == "roles/containeranalysis.notes.attacher" && google_binary_authorization_attestor_iam_member.signer[0].role == "roles/binaryauthorization.attestorsViewer" && google_project_iam_member.signer[0].role == "roles/containeranalysis.occurrences.editor"
    error_message = "Who signs may sign and attach, and neither make keys nor attestors."
  }
  assert {
    condition     = google_compute_ssl_policy.front[0].min_tls_version == "TLS_1_2"
    error_message = "Old TLS is turned away."
  }
  assert {
    condition     = strcontains(google_iam_workload_identity_pool_provider.github[0].attribute_condition, "assertion.repository_id in [\"123456789\"]") && strcontains(google_iam_workload_identity_pool_provider.github[0].attribute_condition, "assertion.ref_protected == \"true\" && assertion.event_name != \"pull_request\" && assertion.event_name != \"pull_request_target\"")
    error_message = "The issuer is shared by all of GitHub: only these repositories, protected refs, and no pull request."
  }
  assert {
    condition     = google_binary_authorization_policy.policy.default_admission_rule[0].evaluation_mode == "REQUIRE_ATTESTATION" && [for each in google_binary_authorization_policy.policy.admission_whitelist_patterns : each.name_pattern] == ["docker.io/rayproject/*", "quay.io/kuberay/*", "registry.k8s.io/kueue/*"]
    error_message = "With attestors only what they signed runs of ours."
  }
  assert {
    condition     = google_binary_authorization_policy.policy.default_admission_rule[0].require_attestations_by == toset(["projects/example-dev/attestors/built-by-us", "projects/example-dev/attestors/signalbox-prod-built"])
    error_message = "Our own attestor is asked for beside those that are named."
  }
  assert {
    condition     = google_kms_crypto_key.images[0].purpose == "ASYMMETRIC_SIGN" && google_kms_crypto_key_iam_member.signer[0].member == "serviceAccount:signalbox-prod-image@example-dev.iam.gserviceaccount.com"
    error_message = "Who builds the images signs them."
  }
  assert {
    condition     = alltrue([for each in google_storage_bucket.bucket : each.encryption[0].default_kms_key_name != ""])
    error_message = "The key is used for every bucket."
  }
  assert {
    condition     = module.service["webhook"].settings.env["SIGNALBOX_HOSTS"] == "signalbox-prod-webhook-123456789012.us-central1.run.app,signalbox.example.com"
    error_message = "An edge answers to its own names and to the load balancer's, and to no other."
  }
  assert {
    condition     = module.service["rollout"].settings.env["SIGNALBOX_PUSH_ACCOUNT"] == "signalbox-prod-to-rollout@example-dev.iam.gserviceaccount.com" && module.service["rollout"].settings.env["SIGNALBOX_SUBSCRIPTION"] == "projects/example-dev/subscriptions/signalbox-prod-facts-rollout" && startswith(module.service["rollout"].settings.env["SIGNALBOX_AUDIENCES"], "signalbox-prod-rollout,")
    error_message = "A service knows whose pushes to take."
  }
  assert {
    condition     = !anytrue(flatten([for each in module.service : [for name in keys(each.settings.env) : can(regex("EMULATOR|TOKEN|SECRET|PASSWORD", name))]]))
    error_message = "No emulator and no secret is in the environment."
  }
  assert {
    condition     = module.service["webhook"].settings.instances_min == 1
    error_message = "What is asked to be warm is warm."
  }
  assert {
    condition     = length(google_monitoring_alert_policy.alert) == 7 && google_monitoring_alert_policy.alert["drift"].severity == "ERROR" && length(google_monitoring_notification_channel.email) == 1
    error_message = "Somebody hears of trouble."
  }
  assert {
    condition = { for name, each in google_monitoring_alert_policy.alert : name => "${each.conditions[0].condition_threshold[0].comparison} ${each.conditions[0].condition_threshold[0].threshold_value} ${each.conditions[0].condition_threshold[0].aggregations[0].per_series_aligner} ${each.conditions[0].condition_threshold[0].aggregations[0].cross_series_reducer}" } == {
      backlog         = "COMPARISON_GT 600 ALIGN_MAX REDUCE_MAX"
      clock           = "COMPARISON_GT 3 ALIGN_DELTA REDUCE_SUM"
      dead            = "COMPARISON_GT 0 ALIGN_MAX REDUCE_MAX"
      drift           = "COMPARISON_GT 0 ALIGN_DELTA REDUCE_SUM"
      letters         = "COMPARISON_GT 0 ALIGN_DELTA REDUCE_SUM"
      previous-secret = "COMPARISON_GT 0 ALIGN_DELTA REDUCE_SUM"
      unfollowed      = "COMPARISON_GT 0 ALIGN_DELTA REDUCE_SUM"
    }
    error_message = "Facts may wait for 10 minutes, the clock may fail three times; of the rest one is enough."
  }
  assert {
    condition = alltrue([
      for name, metric in google_logging_metric.words : anytrue([
        for each in google_monitoring_alert_policy.alert : endswith(each.conditions[0].condition_threshold[0].filter, "metric.type=\"logging.googleapis.com/user/${metric.name}\"")
      ])
    ])
    error_message = "What is counted in the logs wakes somebody."
  }
  assert {
    condition = (
      strcontains(google_monitoring_alert_policy.alert["backlog"].conditions[0].condition_threshold[0].filter, "metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\"")
      && strcontains(google_monitoring_alert_policy.alert["dead"].conditions[0].condition_threshold[0].filter, "metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\"")
      && strcontains(google_monitoring_alert_policy.alert["dead"].conditions[0].condition_threshold[0].filter, "subscription_id=monitoring.regex.full_match(\".*-dead\")")
    )
    error_message = "Pub/Sub's own metrics are looked at: age where work waits, number where it is given up on."
  }
  assert {
    condition     = alltrue([for name, each in google_logging_metric.words : each.filter == "resource.type=\"cloud_run_revision\" AND resource.labels.service_name:\"signalbox-prod-\" AND jsonPayload.message:\"${local.log_metrics[name].words}\"" && each.metric_descriptor[0].metric_kind == "DELTA"])
    error_message = "Words are counted where services write them."
  }
  assert {
    condition = { for name, each in google_monitoring_alert_policy.log : name => each.conditions[0].condition_matched_log[0].filter } == {
      approval     = "${local._our_pipelines} AND logName=\"projects/example-dev/logs/clouddeploy.googleapis.com%2Frollout_update\" AND jsonPayload.rolloutUpdateType=\"APPROVAL_REQUIRED\""
      build        = "logName=\"projects/example-dev/logs/cloudbuild\" AND resource.type=\"build\" AND labels.build_tags:\"signalbox-image\" AND labels.build_step=\"MAIN\" AND textPayload=(\"ERROR\" OR \"TIMEOUT\")"
      notification = "logName:\"clouddeploy.googleapis.com\" AND jsonPayload.type=\"TYPE_PUBSUB_NOTIFICATION_FAILURE\""
      release      = "${local._our_pipelines} AND ((logName=\"projects/example-dev/logs/clouddeploy.googleapis.com%2Frelease_render\" AND jsonPayload.releaseRenderState=\"FAILED\") OR (logName=\"projects/example-dev/logs/clouddeploy.googleapis.com%2Frollout_update\" AND jsonPayload.rolloutUpdateType=\"FAILED\"))"
    }
    error_message = "Somebody hears of a build that failed, of a release that was not rendered or rolled out, and of one that waits."
  }
  assert {
    condition     = alltrue([for each in output.deployments : strcontains(local._our_pipelines, "\"${each.name}\"")]) && !strcontains(local._our_pipelines, "signalbox-prod-backends")
    error_message = "That is of every service of ours, and of no model."
  }
  assert {
    condition     = alltrue([for each in concat(values(google_monitoring_alert_policy.log), values(google_monitoring_alert_policy.alert)) : length(each.notification_channels) == 1 && length(each.documentation[0].content) > 40])
    error_message = "Each goes to whoever is named, and says what to do."
  }
  assert {
    condition     = google_monitoring_alert_policy.log["release"].conditions[0].condition_matched_log[0].label_extractors == tomap({ pipeline = "EXTRACT(resource.labels.pipeline_id)" }) && alltrue([for each in google_monitoring_alert_policy.log : each.alert_strategy[0].notification_rate_limit[0].period != ""])
    error_message = "A letter names the service; and an alert on logs needs a limit of letters."
  }

  assert {
    condition = (
      google_cloudbuild_trigger.image[0].service_account == "projects/example-dev/serviceAccounts/signalbox-prod-image@example-dev.iam.gserviceaccount.com"
      && google_cloudbuild_trigger.image[0].filename == "cloudbuild.yaml" && google_cloudbuild_trigger.image[0].location == "us-central1"
    )
    error_message = "A push starts cloudbuild.yaml, as the account that may build and release, in the region of everything."
  }
  assert {
    condition     = google_cloudbuild_trigger.image[0].repository_event_config[0].push[0].branch == "^main$" && length(google_cloudbuild_trigger.image[0].repository_event_config[0].pull_request) == 0
    error_message = "Only what came onto the branch is built: code of a pull request would run as who releases."
  }
  assert {
    condition     = keys(google_cloudbuild_trigger.image[0].substitutions) == tolist(["_ATTESTOR", "_KEY", "_PREFIX", "_REGION", "_REGISTRY"]) && google_cloudbuild_trigger.image[0].substitutions["_REGISTRY"] == output.registry && google_cloudbuild_trigger.image[0].substitutions["_PREFIX"] == "signalbox-prod"
    error_message = "The build is told where everything is, and what it signs with."
  }
  assert {
    condition     = google_cloudbuildv2_connection_iam_member.image[0].name == "github" && google_cloudbuildv2_connection_iam_member.image[0].role == "roles/cloudbuild.readTokenAccessor" && google_cloudbuildv2_connection_iam_member.image[0].member == "serviceAccount:signalbox-prod-image@example-dev.iam.gserviceaccount.com"
    error_message = "It reads the repository through that connection, and no more."
  }
  assert {
    condition     = alltrue([for account in keys(output.identities) : length("signalbox-prod-${account}") <= 30])
    error_message = "Names of service accounts end at 30 characters."
  }
}

run "a_cluster_comes_with_its_endpoint" {
  command = plan
  variables {
    cluster = "projects/example-dev/locations/us-central1/clusters/models"
  }
  expect_failures = [var.cluster_endpoint]
}

run "an_endpoint_is_a_name_of_gke" {
  command = plan
  variables {
    cluster          = "projects/example-dev/locations/us-central1/clusters/models"
    cluster_endpoint = "10.0.0.2"
  }
  expect_failures = [var.cluster_endpoint]
}

run "a_trigger_is_in_the_region_of_its_repository" {
  command = plan
  variables {
    build_trigger = { repository = "projects/example-dev/locations/europe-west1/connections/github/repositories/signalbox" }
  }
  expect_failures = [var.build_trigger]
}

run "a_trigger_names_a_whole_branch" {
  command = plan
  variables {
    build_trigger = { repository = "projects/example-dev/locations/us-central1/connections/github/repositories/signalbox", branch = "main" }
  }
  expect_failures = [var.build_trigger]
}

run "a_trigger_takes_base_images_by_digest" {
  command = plan
  variables {
    build_trigger = { repository = "projects/example-dev/locations/us-central1/connections/github/repositories/signalbox", base_images = { _NODE_IMAGE = "node:24" } }
  }
  expect_failures = [var.build_trigger]
}
