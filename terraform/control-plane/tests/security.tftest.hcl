# Who may do what: every sentence of docs/security.md that Terraform keeps.
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

run "security" {
  command = plan

  assert {
    condition     = toset([for key, each in module.service : key if contains(values(each.invokers), "allUsers")]) == toset(["webhook"])
    error_message = "Only the webhook is open to everybody."
  }
  assert {
    condition     = !anytrue([for each in module.service : contains(values(each.invokers), "allAuthenticatedUsers")])
    error_message = "Nothing is open to everybody who has an account."
  }
  assert {
    condition     = alltrue([for each in module.service : each.settings.invoker_iam_disabled == false])
    error_message = "IAM asks who calls, at every service."
  }
  assert {
    condition     = toset([for key, each in module.service : key if each.settings.iap]) == toset(["api", "console"])
    error_message = "IAP stands before what people open."
  }
  assert {
    condition = alltrue([
      for key, each in module.service : values(each.invokers) == ["serviceAccount:service-123456789012@gcp-sa-iap.iam.gserviceaccount.com"]
      if each.settings.iap
    ])
    error_message = "What stands behind IAP is called by IAP alone."
  }
  assert {
    condition = alltrue([
      for key in ["provisioner", "registry", "rollout", "data", "notifier", "relay"] : module.service[key].settings.ingress == "INGRESS_TRAFFIC_INTERNAL_ONLY"
    ])
    error_message = "What is pushed to cannot be reached from the internet."
  }
  assert {
    condition = alltrue([
      for key in ["provisioner", "registry", "rollout", "data", "notifier"] :
      toset(values(module.service[key].invokers)) == toset(["serviceAccount:signalbox-dev-to-${key}@example-dev.iam.gserviceaccount.com", "serviceAccount:signalbox-dev-scheduler@example-dev.iam.gserviceaccount.com"])
    ])
    error_message = "A service is called by its own subscription and by the clock."
  }
  assert {
    condition     = toset(values(module.service["relay"].invokers)) == toset(["serviceAccount:signalbox-dev-scheduler@example-dev.iam.gserviceaccount.com"])
    error_message = "The relay is called by the clock alone."
  }
  assert {
    condition     = contains(values(module.service["api-programs"].invokers), "serviceAccount:signalbox-dev-workflows@example-dev.iam.gserviceaccount.com")
    error_message = "Workflows call the programs' door."
  }

  assert {
    condition     = length(distinct([for key, each in module.service : each.settings.account])) == 9
    error_message = "One service account a service; the two doors of the API are one service."
  }
  assert {
    condition     = !anytrue([for each in output.grants : contains(["roles/owner", "roles/editor", "roles/viewer"], each.role)])
    error_message = "No service has a basic role."
  }
  assert {
    condition     = !anytrue([for each in output.grants : can(regex("(?i)admin|securityAdmin|setIamPolicy", each.role))])
    error_message = "No service administers anything."
  }
  assert {
    condition     = toset([for each in google_service_account_iam_member.acts_as : each.member if strcontains(each.service_account_id, "tf-")]) == toset(["serviceAccount:signalbox-dev-provisioner@example-dev.iam.gserviceaccount.com"])
    error_message = "Only the provisioner starts plans and applies."
  }
  assert {
    condition     = toset([for each in google_secret_manager_secret_iam_member.service : "${split("@", each.member)[0]}>${each.secret_id}"]) == toset(["serviceAccount:signalbox-dev-webhook>signalbox-dev-github-webhook", "serviceAccount:signalbox-dev-provisioner>signalbox-dev-github-app", "serviceAccount:signalbox-dev-provisioner>signalbox-dev-plan-key", "serviceAccount:signalbox-dev-rollout>signalbox-dev-github-app", "serviceAccount:signalbox-dev-relay>signalbox-dev-github-app", "serviceAccount:signalbox-dev-notifier>signalbox-dev-notifications", "serviceAccount:signalbox-dev-api>signalbox-dev-page-key", "serviceAccount:signalbox-dev-api>signalbox-dev-principals", "serviceAccount:signalbox-dev-api>signalbox-dev-notifications", "serviceAccount:signalbox-dev-console>signalbox-dev-principals"])
    error_message = "Each secret is read by who needs it, and no build reads any."
  }
  assert {
    condition     = alltrue([for each in google_project_iam_member.database : each.condition[0].expression == "resource.name == \"projects/example-dev/databases/signalbox-dev\""])
    error_message = "Roles on documents are for our database alone."
  }
  assert {
    condition     = toset([for each in output.grants : each.account if each.scope == "project" && strcontains(each.role, "clusterUser")]) == toset(["api", "console", "rollout", "data"])
    error_message = "Only these reach the cluster."
  }
  assert {
    condition     = !anytrue([for each in output.grants : each.account == "webhook" && contains(["build", "project", "pipeline"], each.scope) && each.role != "roles/cloudtrace.agent"])
    error_message = "The one public service starts no build, no deployment and no workflow."
  }
  assert {
    condition = (
      toset([for each in google_clouddeploy_delivery_pipeline_iam_member.image : each.name]) == toset([for each in output.deployments : each.name])
      && alltrue([for each in google_clouddeploy_delivery_pipeline_iam_member.image : each.role == "roles/clouddeploy.releaser" && each.member == "serviceAccount:signalbox-dev-image@example-dev.iam.gserviceaccount.com"])
    )
    error_message = "The build of the image releases every service, and no backend."
  }
  assert {
    condition     = google_project_iam_custom_role.role["sourceStager"].permissions == toset(["storage.buckets.get", "storage.objects.create"]) && google_project_iam_custom_role.role["releaseWatcher"].permissions == toset(["clouddeploy.operations.get", "clouddeploy.targets.get"])
    error_message = "Besides, it lays down sources and waits for operations."
  }
  assert {
    condition     = google_cloud_run_v2_job.job["rebuild-views"].template[0].template[0].service_account == "signalbox-dev-rebuild-views@example-dev.iam.gserviceaccount.com" && !contains([for each in module.service : each.settings.account], google_cloud_run_v2_job.job["rebuild-views"].template[0].template[0].service_account)
    error_message = "A job has an identity of its own."
  }
  assert {
    condition     = [for each in output.grants : "${each.scope} ${each.role}" if each.account == "rebuild-views"] == ["database projects/example-dev/roles/signalbox_dev_ledgerWriter"]
    error_message = "What rebuilds views reads and writes documents of our database, and may do nothing else: it publishes nothing."
  }
  assert {
    condition     = alltrue([for each in google_cloud_run_v2_job.job : each.binary_authorization[0].use_default])
    error_message = "Only admitted images run as jobs."
  }
  assert {
    condition     = !anytrue([for each in google_cloud_run_v2_job.job : anytrue([for variable in each.template[0].template[0].containers[0].env : length(variable.value_source) > 0])])
    error_message = "No secret is in the environment of a job."
  }
  assert {
    condition     = alltrue([for each in google_project_iam_member.plan : each.role == "roles/viewer"])
    error_message = "A plan only reads."
  }
  assert {
    condition     = toset([for each in google_project_iam_member.apply : each.member]) == toset(["serviceAccount:signalbox-dev-tf-apply-dev@example-dev.iam.gserviceaccount.com"])
    error_message = "What applies belongs to this environment."
  }
  assert {
    condition     = toset([for each in google_pubsub_topic_iam_member.service : each.member]) == toset([for name in ["webhook", "provisioner", "registry", "rollout", "data", "relay", "api"] : "serviceAccount:signalbox-dev-${name}@example-dev.iam.gserviceaccount.com"])
    error_message = "Facts are published by who decides, and by the relay."
  }
  assert {
    condition     = alltrue([for each in google_pubsub_topic_iam_member.dead : each.member == "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com" && each.role == "roles/pubsub.publisher"]) && length(google_pubsub_subscription_iam_member.push) == 6
    error_message = "Google's agent may put dead letters away, or they would never leave."
  }

  assert {
    condition     = google_binary_authorization_policy.policy.default_admission_rule[0].evaluation_mode == "ALWAYS_DENY" && google_binary_authorization_policy.policy.default_admission_rule[0].enforcement_mode == "ENFORCED_BLOCK_AND_AUDIT_LOG"
    error_message = "What is not admitted does not run."
  }
  assert {
    condition     = [for each in google_binary_authorization_policy.policy.admission_whitelist_patterns : each.name_pattern] == ["us-central1-docker.pkg.dev/example-dev/signalbox-dev/*", "docker.io/rayproject/*", "quay.io/kuberay/*", "registry.k8s.io/kueue/*"]
    error_message = "Only images of our repository, and what the cluster of models runs besides."
  }
  assert {
    condition     = !google_artifact_registry_repository.images.docker_config[0].immutable_tags
    error_message = "A second build of a commit is not refused, and old images can be cleaned up."
  }
}

run "a_tag_is_no_image" {
  command = plan
  variables {
    image = "us-central1-docker.pkg.dev/example-dev/signalbox-dev/signalbox:latest"
  }
  expect_failures = [var.image]
}

run "the_world_is_not_people" {
  command = plan
  variables {
    people = ["allAuthenticatedUsers"]
  }
  expect_failures = [var.people]
}

run "a_plan_may_not_write" {
  command = plan
  variables {
    plan_roles = ["roles/editor"]
  }
  expect_failures = [var.plan_roles]
}

run "a_plan_sees_no_secret" {
  command = plan
  variables {
    plan_roles = ["roles/secretmanager.viewer"]
  }
  expect_failures = [var.plan_roles]
}

run "an_apply_is_not_owner" {
  command = plan
  variables {
    target_projects = { "example-dev" = { roles = ["roles/owner"] } }
  }
  expect_failures = [var.target_projects]
}
