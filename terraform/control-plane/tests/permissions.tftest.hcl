# Every permission, one by one: what docs/security.md says under "Identities and what they call". Another one is a change of both.
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

run "permissions" {
  command = plan

  assert {
    condition = { for account in distinct([for key in keys(output.grants) : split(":", key)[0]]) : account => [for key in keys(output.grants) : trimprefix(key, "${account}:") if startswith(key, "${account}:")] } == {
      api = [
        "bucket/artifacts=storage.objectViewer",
        "bucket/digests=storage.objectCreator",
        "bucket/digests=storage.objectViewer",
        "bucket/fences=storage.objectViewer",
        "build/digest=iam.serviceAccountUser",
        "database/=custom:ledgerWriter",
        "project/=cloudtrace.agent",
        "project/=custom:buildStarter",
        "project/=custom:clusterUser",
        "project/=monitoring.viewer",
        "project/=workflows.viewer",
        "secret/notifications=secretmanager.secretAccessor",
        "secret/page-key=secretmanager.secretAccessor",
        "secret/principals=secretmanager.secretAccessor",
        "topic/facts=pubsub.publisher",
      ]
      console = [
        "database/=datastore.viewer",
        "project/=cloudtrace.agent",
        "project/=custom:clusterUser",
        "secret/principals=secretmanager.secretAccessor",
      ]
      data = [
        "database/=custom:ledgerWriter",
        "project/=cloudtrace.agent",
        "project/=custom:clusterUser",
        "project/=workflows.invoker",
        "topic/facts=pubsub.publisher",
      ]
      notifier = [
        "database/=custom:ledgerWriter",
        "project/=cloudtrace.agent",
        "secret/notifications=secretmanager.secretAccessor",
      ]
      provisioner = [
        "bucket/fences=storage.objectCreator",
        "bucket/fences=storage.objectViewer",
        "bucket/plans=storage.objectCreator",
        "bucket/plans=storage.objectViewer",
        "bucket/receipts=storage.objectViewer",
        "build/tf-apply=iam.serviceAccountUser",
        "build/tf-plan=iam.serviceAccountUser",
        "database/=custom:ledgerWriter",
        "project/=cloudtrace.agent",
        "project/=custom:buildStarter",
        "secret/github-app=secretmanager.secretAccessor",
        "secret/plan-key=secretmanager.secretAccessor",
        "topic/facts=pubsub.publisher",
      ]
      rebuild-views = [
        "database/=custom:ledgerWriter",
      ]
      registry = [
        "bucket/artifacts=storage.objectViewer",
        "bucket/digests=storage.objectCreator",
        "bucket/digests=storage.objectViewer",
        "build/digest=iam.serviceAccountUser",
        "database/=custom:ledgerWriter",
        "project/=cloudtrace.agent",
        "project/=custom:buildStarter",
        "topic/facts=pubsub.publisher",
      ]
      relay = [
        "database/=custom:ledgerWriter",
        "dead-letters/=pubsub.subscriber",
        "project/=cloudtrace.agent",
        "secret/github-app=secretmanager.secretAccessor",
        "topic/facts=pubsub.publisher",
      ]
      rollout = [
        "bucket/artifacts=storage.objectViewer",
        "bucket/digests=storage.objectCreator",
        "bucket/digests=storage.objectViewer",
        "build/deploy=iam.serviceAccountUser",
        "build/digest=iam.serviceAccountUser",
        "database/=custom:ledgerWriter",
        "pipeline/backends=custom:releaseCreator",
        "project/=cloudtrace.agent",
        "project/=custom:buildStarter",
        "project/=custom:clusterUser",
        "project/=monitoring.viewer",
        "project/=workflows.invoker",
        "secret/github-app=secretmanager.secretAccessor",
        "topic/facts=pubsub.publisher",
      ]
      webhook = [
        "bucket/receipts=storage.objectCreator",
        "database/=custom:ledgerWriter",
        "project/=cloudtrace.agent",
        "secret/github-webhook=secretmanager.secretAccessor",
        "topic/facts=pubsub.publisher",
      ]
    }
    error_message = "A service may do what is listed here, and nothing else."
  }
  assert {
    condition = { for name, each in google_project_iam_custom_role.role : name => join(" ", sort(each.permissions)) } == {
      buildStarter   = "cloudbuild.builds.create cloudbuild.builds.get cloudbuild.builds.list cloudbuild.builds.update cloudbuild.workerpools.use"
      clusterUser    = "container.clusters.connect container.clusters.get"
      ledgerWriter   = "datastore.databases.get datastore.entities.create datastore.entities.delete datastore.entities.get datastore.entities.list datastore.entities.update"
      releaseCreator = "clouddeploy.deliveryPipelines.get clouddeploy.releases.create clouddeploy.releases.get clouddeploy.releases.list clouddeploy.rollouts.cancel clouddeploy.rollouts.create clouddeploy.rollouts.get clouddeploy.rollouts.list"
      releaseWatcher = "clouddeploy.operations.get clouddeploy.targets.get"
      sourceStager   = "storage.buckets.get storage.objects.create"
    }
    error_message = "Roles of our own hold what the code calls."
  }
  assert {
    condition = { for name, each in google_artifact_registry_repository_iam_member.build : name => each.role } == {
      digest   = "roles/artifactregistry.reader"
      image    = "roles/artifactregistry.writer"
      release  = "roles/artifactregistry.reader"
      tf-apply = "roles/artifactregistry.reader"
      tf-plan  = "roles/artifactregistry.reader"
    }
    error_message = "Builds read our images; one makes them."
  }
  assert {
    condition = { for b in jsondecode(google_storage_bucket_iam_policy.bucket["plans"].policy_data).bindings : b.role => b.members } == {
      "roles/storage.admin"         = ["group:platform@example.com"]
      "roles/storage.objectCreator" = [for name in ["provisioner", "tf-apply-dev", "tf-plan"] : "serviceAccount:signalbox-dev-${name}@example-dev.iam.gserviceaccount.com"]
      "roles/storage.objectViewer"  = [for name in ["provisioner", "tf-apply-dev"] : "serviceAccount:signalbox-dev-${name}@example-dev.iam.gserviceaccount.com"]
    }
    error_message = "A saved plan is replaced by nobody, and read by who applies it."
  }
  assert {
    condition = { for name, each in google_project_iam_member.deploy : name => "${each.role} ${each.member}" } == {
      "deploy/clusterUser"          = "projects/example-dev/roles/signalbox_dev_clusterUser serviceAccount:signalbox-dev-deploy@example-dev.iam.gserviceaccount.com"
      "image/roles/run.viewer"      = "roles/run.viewer serviceAccount:signalbox-dev-image@example-dev.iam.gserviceaccount.com"
      "release/roles/run.developer" = "roles/run.developer serviceAccount:signalbox-dev-release@example-dev.iam.gserviceaccount.com"
    }
    error_message = "Who releases deploys, and administers nothing."
  }
  assert {
    condition = (
      toset([for each in google_service_account_iam_member.release : each.service_account_id]) == toset([for name in ["webhook", "provisioner", "registry", "rollout", "data", "notifier", "relay", "api", "console"] : "projects/example-dev/serviceAccounts/signalbox-dev-${name}@example-dev.iam.gserviceaccount.com"])
      && alltrue([for each in google_service_account_iam_member.release : each.role == "roles/iam.serviceAccountUser" && each.member == "serviceAccount:signalbox-dev-release@example-dev.iam.gserviceaccount.com"])
      && google_service_account_iam_member.image.service_account_id == "projects/example-dev/serviceAccounts/signalbox-dev-release@example-dev.iam.gserviceaccount.com" && google_service_account_iam_member.image.role == "roles/iam.serviceAccountUser"
    )
    error_message = "A release may run as the services, and the build of the image may ask for one: neither makes tokens of them."
  }
  assert {
    condition     = alltrue([for each in google_service_account_iam_member.acts_as : each.role == "roles/iam.serviceAccountUser"])
    error_message = "To start a build as somebody is not to be somebody."
  }

  assert {
    condition = (
      keys(google_service_account_iam_member.pushes) == ["to-data", "to-events", "to-notifier", "to-provisioner", "to-registry", "to-rollout"]
      && alltrue([for name, each in google_service_account_iam_member.pushes : each.role == "roles/iam.serviceAccountTokenCreator" && each.member == "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com" && each.service_account_id == "projects/example-dev/serviceAccounts/signalbox-dev-${name}@example-dev.iam.gserviceaccount.com"])
    )
    error_message = "Pub/Sub signs pushes as the accounts of subscriptions, and as no other."
  }
  assert {
    condition     = alltrue([for each in google_pubsub_subscription_iam_member.push : each.role == "roles/pubsub.subscriber" && each.member == "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"])
    error_message = "What is given up on is acknowledged by Google's agent, or it would come for ever."
  }
  assert {
    condition     = alltrue([for name, each in google_pubsub_topic_iam_member.notifications : each.role == "roles/pubsub.publisher" && each.member == "serviceAccount:service-123456789012@gcp-sa-${name == "cloud-builds" ? "cloudbuild" : "clouddeploy"}.iam.gserviceaccount.com"])
    error_message = "Hints are published by the agent whose topic it is."
  }
  assert {
    condition     = length(google_iap_web_cloud_run_service_iam_member.person) == 2 && alltrue([for each in google_iap_web_cloud_run_service_iam_member.person : each.role == "roles/iap.httpsResourceAccessor" && each.member == "group:ml@example.com"])
    error_message = "People come through IAP, and do not administer it."
  }
  assert {
    condition     = alltrue([for each in google_workflows_workflow.workflow : each.service_account == "signalbox-dev-workflows@example-dev.iam.gserviceaccount.com" && each.call_log_level == "LOG_ERRORS_ONLY"]) && google_project_iam_member.workflow_logs.role == "roles/logging.logWriter"
    error_message = "Workflows call as themselves, and log what failed."
  }
  assert {
    condition     = keys(google_project_iam_audit_config.reads) == ["iamcredentials.googleapis.com", "secretmanager.googleapis.com", "storage.googleapis.com"] && alltrue([for each in google_project_iam_audit_config.reads : [for log in each.audit_log_config : log.log_type] == ["DATA_READ"]])
    error_message = "Who reads a secret, a plan or a state is written down."
  }
}
