mock_provider "google" {}

variables {
  project_id      = "example-dev"
  region          = "us-central1"
  name            = "signalbox-dev-webhook"
  entry           = "webhook"
  image           = "example/signalbox@sha256:0000000000000000000000000000000000000000000000000000000000000001"
  account         = "signalbox-dev-webhook@example-dev.iam.gserviceaccount.com"
  audience        = "signalbox-dev-webhook"
  env             = { SIGNALBOX_REGION = "us-central1" }
  cpu             = "1"
  memory          = "512Mi"
  concurrency     = 40
  instances_min   = 0
  instances_max   = 10
  timeout_seconds = 55
  invokers        = {}
}

run "is_closed_and_small_by_default" {
  command = plan

  assert {
    condition     = google_cloud_run_v2_service.service.ingress == "INGRESS_TRAFFIC_INTERNAL_ONLY" && length(google_cloud_run_v2_service_iam_member.invoker) == 0
    error_message = "A service that nobody opened is reached by nobody."
  }
  assert {
    condition     = google_cloud_run_v2_service.service.template[0].containers[0].startup_probe[0].http_get[0].path == "/startupz"
    error_message = "A start is asked only whether it listens with its configuration read."
  }
  assert {
    condition     = google_cloud_run_v2_service.service.template[0].containers[0].liveness_probe[0].http_get[0].path == "/livez"
    error_message = "A process is asked whether its event loop turns."
  }
  assert {
    condition     = alltrue([for each in [google_cloud_run_v2_service.service.template[0].containers[0].startup_probe[0], google_cloud_run_v2_service.service.template[0].containers[0].liveness_probe[0]] : each.http_get[0].http_headers[0].value == "localhost"])
    error_message = "A probe names a host that every service answers to."
  }
  assert {
    condition     = google_cloud_run_v2_service.service.binary_authorization[0].use_default
    error_message = "Only admitted images run."
  }
  assert {
    condition = alltrue([
      google_cloud_run_v2_service.service.template[0].containers[0].image == var.image, google_cloud_run_v2_service.service.template[0].containers[0].args == tolist(["webhook"]),
      google_cloud_run_v2_service.service.custom_audiences == tolist(["signalbox-dev-webhook"]), google_cloud_run_v2_service.service.template[0].containers[0].resources[0].limits == tomap({ cpu = "1", memory = "512Mi" }),
      google_cloud_run_v2_service.service.deletion_protection,
    ])
    error_message = "It is what it was asked to be, and is not deleted by a slip."
  }
  assert {
    condition     = [for each in google_cloud_run_v2_service.service.traffic : "${each.type} ${each.percent}"] == ["TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST 100"]
    error_message = "Requests go to the newest revision that is ready, all of them."
  }
  assert {
    condition = (
      google_cloud_run_v2_service.service.template[0].containers[0].startup_probe[0].failure_threshold * google_cloud_run_v2_service.service.template[0].containers[0].startup_probe[0].period_seconds == 30
      && google_cloud_run_v2_service.service.template[0].containers[0].liveness_probe[0].failure_threshold == 3 && google_cloud_run_v2_service.service.template[0].containers[0].liveness_probe[0].period_seconds == 30
      && google_cloud_run_v2_service.service.template[0].containers[0].liveness_probe[0].timeout_seconds == 5
    )
    error_message = "A start has 30 s, and a process that is stuck three times half a minute."
  }
  assert {
    condition     = length(google_monitoring_alert_policy.errors) == 0
    error_message = "Without anybody to wake nothing is paid for."
  }
  assert {
    condition     = length(google_cloud_run_v2_service.service.template[0].vpc_access) == 0
    error_message = "No network is paid for that is not asked for."
  }
  assert {
    condition     = !anytrue([for each in google_cloud_run_v2_service.service.template[0].containers[0].env : length(each.value_source) > 0])
    error_message = "No secret is in the environment."
  }
}

run "refuses_a_request_longer_than_the_acknowledgement_deadline" {
  command = plan
  variables {
    timeout_seconds = 60
  }
  expect_failures = [var.timeout_seconds]
}

run "is_called_by_whom_it_is_told" {
  command = plan
  variables {
    invokers              = { clock = "serviceAccount:signalbox-dev-scheduler@example-dev.iam.gserviceaccount.com" }
    notification_channels = ["projects/example-dev/notificationChannels/1"]
  }

  assert {
    condition     = google_cloud_run_v2_service_iam_member.invoker["clock"].role == "roles/run.invoker" && google_cloud_run_v2_service_iam_member.invoker["clock"].member == var.invokers["clock"]
    error_message = "Whoever calls may call, and change nothing."
  }
  assert {
    condition = (
      google_monitoring_alert_policy.errors[0].conditions[0].condition_threshold[0].threshold_value == 0.05 && google_monitoring_alert_policy.errors[0].conditions[0].condition_threshold[0].duration == "600s"
      && endswith(google_monitoring_alert_policy.errors[0].conditions[0].condition_threshold[0].filter, "resource.labels.service_name=\"signalbox-dev-webhook\" AND metric.type=\"run.googleapis.com/request_count\" AND metric.labels.response_code_class=\"5xx\"")
      && endswith(google_monitoring_alert_policy.errors[0].conditions[0].condition_threshold[0].denominator_filter, "resource.labels.service_name=\"signalbox-dev-webhook\" AND metric.type=\"run.googleapis.com/request_count\"")
      && google_monitoring_alert_policy.errors[0].notification_channels == tolist(var.notification_channels)
    )
    error_message = "Somebody hears of it when one request of twenty fails for ten minutes."
  }
}

run "is_there" {
  command = apply
}

run "keeps_the_image_that_a_release_brought" {
  command = plan
  variables {
    image = "example/signalbox@sha256:0000000000000000000000000000000000000000000000000000000000000002"
  }

  assert {
    condition     = google_cloud_run_v2_service.service.template[0].containers[0].image == "example/signalbox@sha256:0000000000000000000000000000000000000000000000000000000000000001"
    error_message = "Cloud Deploy brings images; an apply takes none of them back."
  }
}
