# Six buckets. Their policies are whole (authoritative): nobody but those named here reads a plan or a state, not even the
# viewers and editors of the project, whom Cloud Storage lets in by default.
locals {
  _day = 24 * 60 * 60

  buckets = {
    # Raw deliveries, at least as long as GitHub offers them again.
    receipts = { versioning = false, retention_seconds = 3 * local._day, delete_after_days = 30, noncurrent_days = null }
    # Saved plans and their JSON hold secrets in clear.
    plans = { versioning = false, retention_seconds = null, delete_after_days = 7, noncurrent_days = null }
    # States of Terraform: every version for 90 days.
    state = { versioning = true, retention_seconds = null, delete_after_days = null, noncurrent_days = 90 }
    # Artifacts of models and rendered manifests.
    artifacts = { versioning = true, retention_seconds = null, delete_after_days = null, noncurrent_days = 30 }
    # What a build and the provisioner share: order, fence, cancellation, result, log. Who creates the fence first, builds. A retention
    # policy would forbid the log to grow; instead nobody may replace or delete anything but logs (see the condition below).
    fences = { versioning = false, retention_seconds = null, delete_after_days = 90, noncurrent_days = null }
    # What a build that computes a digest and whoever waits for it share. Created once, replaced by nobody; computed again when it is gone.
    digests = { versioning = false, retention_seconds = null, delete_after_days = 90, noncurrent_days = null }
  }

  bucket_name = { for name, bucket in local.buckets : name => "${var.project_id}-${local.prefix}-${name}" }

  _plan   = "serviceAccount:${local.email["tf-plan"]}"
  _apply  = "serviceAccount:${local.email["tf-apply-${var.environment}"]}"
  _digest = "serviceAccount:${local.email["digest"]}"
  _deploy = "serviceAccount:${local.email["deploy"]}"

  _artifacts = "projects/_/buckets/${local.bucket_name["artifacts"]}"
  # Bundles and records of releases of models; what Cloud Deploy renders of them; what it renders of our own services.
  _folders_of_artifacts = {
    releases = "serviceAccount:${local.email["rollout"]}"
    deploy   = local._deploy
    services = "serviceAccount:${local.email["release"]}"
  }

  # bucket → role → members
  _bucket_access = {
    receipts = {}
    plans = {
      "roles/storage.objectCreator" = [local._plan, local._apply]
      "roles/storage.objectViewer"  = [local._apply]
    }
    state = {
      "roles/storage.objectViewer" = [local._plan]
      "roles/storage.objectUser"   = [local._apply]
    }
    artifacts = {
      "roles/storage.objectViewer"  = concat([local._digest, local._deploy], var.artifact_readers)
      "roles/storage.objectCreator" = var.artifact_writers
    }
    fences = {
      "roles/storage.objectCreator" = [local._plan, local._apply]
      "roles/storage.objectViewer"  = [local._plan, local._apply]
    }
    digests = {
      "roles/storage.objectCreator" = [local._digest]
      "roles/storage.objectViewer"  = [local._digest]
    }
  }

  # Who may replace objects, and which: builds their log and the list of what is being changed; the rollout service its bundles and
  # records; Cloud Deploy what it renders. Nobody replaces a fence, a result or a model's artifact. And the build of the image lays down what
  # releases of the services are rendered from: by itself gcloud makes a bucket for each pipeline, which `release` could not read. It reads
  # what it was itself submitted with, from a folder that no other of them can write to.
  _conditional = {
    fences = [{
      role    = "roles/storage.objectUser"
      members = sort([local._plan, local._apply])
      condition = {
        title      = "only-logs"
        expression = "resource.name.endsWith(\"/log.txt\") || resource.name.endsWith(\"/changing.json\")"
      }
    }]
    artifacts = concat(
      [
        for folder, member in local._folders_of_artifacts : {
          role    = "roles/storage.objectUser"
          members = [member]
          condition = {
            title      = "only-${folder}"
            expression = "resource.name.startsWith(\"${local._artifacts}/objects/${folder}/\")"
          }
        }
      ],
      [{
        role    = local.custom_role_id["sourceStager"]
        members = ["serviceAccount:${local.email["image"]}"]
        condition = {
          title      = "only-sources-of-releases"
          expression = "resource.name == \"${local._artifacts}\" || resource.name.startsWith(\"${local._artifacts}/objects/services/sources/\")"
        }
        }, {
        role    = "roles/storage.objectViewer"
        members = ["serviceAccount:${local.email["image"]}"]
        condition = {
          title      = "only-submitted"
          expression = "resource.name.startsWith(\"${local._artifacts}/objects/submitted/\")"
        }
      }],
    )
  }

  _service_access = {
    for name in keys(local.buckets) : name => {
      for grant in values(local._grants_on["bucket"]) : grant.role => grant.member... if grant.target == name
    }
  }

  bucket_policy = {
    for name in keys(local.buckets) : name => {
      bindings = [
        for role in sort(distinct(concat(keys(local._bucket_access[name]), keys(local._service_access[name]), ["roles/storage.admin"]))) : {
          role = role
          members = sort(distinct(concat(
            lookup(local._bucket_access[name], role, []),
            lookup(local._service_access[name], role, []),
            role == "roles/storage.admin" ? var.administrators : [],
          )))
        }
      ]
    }
  }
}

resource "google_storage_bucket" "bucket" {
  for_each                    = local.buckets
  project                     = var.project_id
  name                        = local.bucket_name[each.key]
  location                    = var.region
  labels                      = local.labels
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false

  versioning {
    enabled = each.value.versioning
  }

  soft_delete_policy {
    # A plan is to be gone when it is gone.
    retention_duration_seconds = each.key == "plans" ? 0 : 7 * local._day
  }

  dynamic "retention_policy" {
    for_each = each.value.retention_seconds == null ? [] : [each.value.retention_seconds]
    content {
      retention_period = retention_policy.value
      is_locked        = false
    }
  }

  dynamic "lifecycle_rule" {
    for_each = each.value.delete_after_days == null ? [] : [each.value.delete_after_days]
    content {
      action {
        type = "Delete"
      }
      condition {
        age = lifecycle_rule.value
      }
    }
  }

  dynamic "lifecycle_rule" {
    for_each = each.value.noncurrent_days == null ? [] : [each.value.noncurrent_days]
    content {
      action {
        type = "Delete"
      }
      condition {
        days_since_noncurrent_time = lifecycle_rule.value
        num_newer_versions         = 10
      }
    }
  }

  dynamic "encryption" {
    for_each = var.kms_key == null ? [] : [var.kms_key]
    content {
      default_kms_key_name = encryption.value
    }
  }

  depends_on = [google_project_service.api]
}

resource "google_storage_bucket_iam_policy" "bucket" {
  for_each = local.buckets
  bucket   = google_storage_bucket.bucket[each.key].name
  policy_data = jsonencode({
    bindings = concat(
      [for each in local.bucket_policy[each.key].bindings : each if length(each.members) > 0],
      lookup(local._conditional, each.key, []),
    )
  })
  depends_on = [google_service_account.service, google_service_account.build, google_project_iam_custom_role.role]
}
