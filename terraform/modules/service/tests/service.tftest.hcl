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
