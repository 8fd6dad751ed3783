# What is kept, for how long, and who may read it.
mock_provider "google" {
  mock_data "google_project" {
    defaults = {
      number = "123456789012"
    }
  }
}

variables {
  protected          = true
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

run "storage" {
  command = plan

  assert {
    condition     = toset(keys(google_storage_bucket.bucket)) == toset(["receipts", "plans", "state", "artifacts", "fences", "digests"])
    error_message = "Six buckets."
  }
  assert {
    condition     = alltrue([for each in google_storage_bucket.bucket : each.uniform_bucket_level_access])
    error_message = "No object has a policy of its own."
  }
  assert {
    condition     = alltrue([for each in google_storage_bucket.bucket : each.public_access_prevention == "enforced"])
    error_message = "Nothing can be made public."
  }
  assert {
    condition     = alltrue([for each in google_storage_bucket.bucket : each.force_destroy == false])
    error_message = "Terraform deletes no bucket with something in it."
  }
  assert {
    condition     = google_storage_bucket.bucket["state"].versioning[0].enabled && google_storage_bucket.bucket["artifacts"].versioning[0].enabled
    error_message = "Former states and artifacts can be had back."
  }
  assert {
    condition     = google_storage_bucket.bucket["plans"].lifecycle_rule[0].condition != null && [for c in google_storage_bucket.bucket["plans"].lifecycle_rule[0].condition : c.age] == [7] && google_storage_bucket.bucket["plans"].soft_delete_policy[0].retention_duration_seconds == 0
    error_message = "A plan lives for 7 days and is then gone."
  }
  assert {
    condition     = google_storage_bucket.bucket["receipts"].retention_policy[0].retention_period == "259200"
    error_message = "A receipt outlives redelivery (3 days)."
  }
  assert {
    condition = alltrue([
      for b in jsondecode(google_storage_bucket_iam_policy.bucket["fences"].policy_data).bindings :
      contains(["roles/storage.objectCreator", "roles/storage.objectViewer"], b.role) || (b.role == "roles/storage.admin" && b.members == ["group:platform@example.com"]) || try(b.condition.expression, "") == "resource.name.endsWith(\"/log.txt\") || resource.name.endsWith(\"/changing.json\")"
    ])
    error_message = "Nobody replaces a fence, an order or a result; only logs grow."
  }
  assert {
    condition = { for b in jsondecode(google_storage_bucket_iam_policy.bucket["digests"].policy_data).bindings : b.role => b.members } == {
      "roles/storage.admin"         = ["group:platform@example.com"]
      "roles/storage.objectCreator" = [for name in ["api", "digest", "registry", "rollout"] : "serviceAccount:signalbox-dev-${name}@example-dev.iam.gserviceaccount.com"]
      "roles/storage.objectViewer"  = [for name in ["api", "digest", "registry", "rollout"] : "serviceAccount:signalbox-dev-${name}@example-dev.iam.gserviceaccount.com"]
    }
    error_message = "Digests are asked for and given, and replaced by nobody."
  }
  assert {
    condition     = !strcontains(google_storage_bucket_iam_policy.bucket["fences"].policy_data, "digest@") && !strcontains(google_storage_bucket_iam_policy.bucket["plans"].policy_data, "digest@")
    error_message = "Whoever reads artifacts sees no plan and no order of another build."
  }
  assert {
    condition = alltrue([
      for b in jsondecode(google_storage_bucket_iam_policy.bucket["artifacts"].policy_data).bindings :
      b.role != "roles/storage.objectUser" || can(regex("/objects/(releases|deploy|services)/", b.condition.expression))
    ])
    error_message = "Nobody replaces an artifact of a model."
  }
  assert {
    condition = [
      for b in jsondecode(google_storage_bucket_iam_policy.bucket["artifacts"].policy_data).bindings :
      "${b.role} ${b.condition.expression}" if contains(b.members, "serviceAccount:signalbox-dev-image@example-dev.iam.gserviceaccount.com")
    ] == ["projects/example-dev/roles/signalbox_dev_sourceStager resource.name == \"projects/_/buckets/example-dev-signalbox-dev-artifacts\" || resource.name.startsWith(\"projects/_/buckets/example-dev-signalbox-dev-artifacts/objects/services/sources/\")", "roles/storage.objectViewer resource.name.startsWith(\"projects/_/buckets/example-dev-signalbox-dev-artifacts/objects/submitted/\")"]
    error_message = "The build of the image lays down sources of releases, reads what it was submitted with, and replaces nothing."
  }
  assert {
    condition = alltrue([
      for each in google_storage_bucket_iam_policy.bucket : !strcontains(each.policy_data, "allUsers") && !strcontains(each.policy_data, "allAuthenticatedUsers") && !strcontains(each.policy_data, "projectViewer") && !strcontains(each.policy_data, "legacy")
    ])
    error_message = "Policies are whole: neither the world nor the viewers of the project read objects."
  }
  assert {
    condition = { for b in jsondecode(google_storage_bucket_iam_policy.bucket["state"].policy_data).bindings : b.role => b.members } == {
      "roles/storage.admin"        = ["group:platform@example.com"]
      "roles/storage.objectUser"   = ["serviceAccount:signalbox-dev-tf-apply-dev@example-dev.iam.gserviceaccount.com"]
      "roles/storage.objectViewer" = ["serviceAccount:signalbox-dev-tf-plan@example-dev.iam.gserviceaccount.com"]
    }
    error_message = "The state is read by plans, written by applies, and seen by no service."
  }
  assert {
    condition = { for b in jsondecode(google_storage_bucket_iam_policy.bucket["receipts"].policy_data).bindings : b.role => b.members } == {
      "roles/storage.admin"         = ["group:platform@example.com"]
      "roles/storage.objectCreator" = ["serviceAccount:signalbox-dev-webhook@example-dev.iam.gserviceaccount.com"]
      "roles/storage.objectViewer"  = ["serviceAccount:signalbox-dev-provisioner@example-dev.iam.gserviceaccount.com"]
    }
    error_message = "The webhook creates receipts and cannot change one."
  }
  variables {
    protected = true
  }

  assert {
    condition     = google_firestore_database.ledger.delete_protection_state == "DELETE_PROTECTION_ENABLED" && google_firestore_database.ledger.point_in_time_recovery_enablement == "POINT_IN_TIME_RECOVERY_ENABLED" && length(google_firestore_backup_schedule.daily) == 1
    error_message = "A protected ledger cannot be deleted, and any minute of 7 days can be had back."
  }
  assert {
    condition     = google_firestore_database.ledger.type == "FIRESTORE_NATIVE" && google_firestore_database.ledger.deletion_policy == "ABANDON" && google_firestore_backup_schedule.daily[0].retention == "1209600s"
    error_message = "Terraform lets go of a protected ledger instead of deleting it, and backups are kept for 14 days."
  }
  assert {
    condition     = alltrue([for each in google_firestore_field.ttl : length(each.ttl_config) == 1 && length(each.index_config) == 1 && length(each.index_config[0].indexes) == 0]) && alltrue([for each in google_firestore_field.unindexed : length(each.ttl_config) == 0 && length(each.index_config) == 1 && length(each.index_config[0].indexes) == 0])
    error_message = "Documents end by their times, and neither those nor large texts are indexed."
  }
  assert {
    condition     = alltrue([for each in module.service : each.settings.deletion_protection])
    error_message = "A protected installation keeps its services."
  }
  assert {
    condition     = alltrue([for each in google_project_service.api : !each.disable_on_destroy])
    error_message = "To take this away switches off no API that others use."
  }
  assert {
    condition = { for name, each in google_storage_bucket.bucket : name => [for rule in each.lifecycle_rule : one([for c in rule.condition : try(coalesce(c.age, 0), 0) + try(coalesce(c.days_since_noncurrent_time, 0), 0)])] } == {
      artifacts = [30], digests = [90], fences = [90], plans = [7], receipts = [30], state = [90]
    }
    error_message = "Everything that is kept has its days, and former states have 90."
  }
  assert {
    condition     = { for name, each in google_storage_bucket.bucket : name => each.soft_delete_policy[0].retention_duration_seconds } == { artifacts = 604800, digests = 604800, fences = 604800, plans = 0, receipts = 604800, state = 604800 }
    error_message = "What was deleted can be had back for a week, but for plans."
  }
  assert {
    condition     = [for each in google_artifact_registry_repository.images.cleanup_policies : "${each.action} ${try(one(each.most_recent_versions).keep_count, "")}${try(one(each.condition).older_than, "")}" if each.id == "keep-the-newest"] == ["KEEP 20"] && [for each in google_artifact_registry_repository.images.cleanup_policies : "${each.action} ${one(each.condition).older_than}" if each.id != "keep-the-newest"] == ["DELETE 7776000s"]
    error_message = "The twenty newest images stay, others for 90 days."
  }
  assert {
    condition     = google_firestore_database.ledger.name != "(default)"
    error_message = "A condition of IAM cannot name the default database without naming all."
  }
  assert {
    condition     = alltrue([for each in google_secret_manager_secret.secret : each.deletion_protection && each.version_destroy_ttl == "604800s"])
    error_message = "A secret is not lost by a slip."
  }
  assert {
    condition     = alltrue([for each in google_workflows_workflow.workflow : each.deletion_protection])
    error_message = "A protected installation keeps its workflows."
  }
  assert {
    condition     = alltrue([for each in google_cloud_run_v2_job.job : each.deletion_protection])
    error_message = "A protected installation keeps its jobs."
  }

  assert {
    condition     = length(google_firestore_index.index) >= 15 && length(google_firestore_field.ttl) >= 4 && length(google_firestore_field.unindexed) >= 7
    error_message = "What the adapters' queries need is made (terraform/firestore-indexes.yaml)."
  }
  assert {
    condition     = length([for f in google_firestore_index.index["timers/state:ASCENDING/due:ASCENDING"].fields : f if f.order == "ASCENDING"]) == 2 && anytrue([for f in google_firestore_index.index["facts/below:CONTAINS/at:ASCENDING"].fields : f.array_config == "CONTAINS"])
    error_message = "Fields keep their order and kind."
  }
}
