# Pipelines of one target each (those cost nothing). One for each Cloud Run service, named as the service, brings its new image: Cloud Deploy
# deploys one service a target. `backends` puts versions of models beside each other in the cluster. None moves traffic of an endpoint.
locals {
  _pipelines = merge(
    { for key, each in local.deployments : key => { name = each.name, account = "release", description = "New revisions of ${each.name}" } },
    var.cluster == null ? {} : {
      backends = { name = "${local.prefix}-backends", account = "deploy", description = "Versioned backends; Signalbox alone moves traffic" }
    },
  )
}

resource "google_clouddeploy_target" "target" {
  for_each         = local._pipelines
  project          = var.project_id
  location         = var.region
  name             = each.value.name
  description      = each.value.description
  labels           = local.labels
  require_approval = each.key != "backends" && var.protected

  dynamic "run" {
    for_each = each.key == "backends" ? [] : [true]
    content {
      location = "projects/${var.project_id}/locations/${var.region}"
    }
  }

  dynamic "gke" {
    for_each = each.key == "backends" ? [var.cluster] : []
    content {
      cluster      = gke.value
      dns_endpoint = true
    }
  }

  execution_configs {
    usages            = ["RENDER", "DEPLOY"]
    service_account   = local.build_email[each.value.account]
    execution_timeout = "3600s"
    worker_pool       = local.worker_pool
    artifact_storage  = "gs://${local.bucket_name["artifacts"]}/${each.key == "backends" ? "deploy" : "services"}"
  }

  depends_on = [google_service_account.build, google_project_service.api]
}

resource "google_clouddeploy_delivery_pipeline" "pipeline" {
  for_each    = local._pipelines
  project     = var.project_id
  location    = var.region
  name        = each.value.name
  description = each.value.description
  labels      = local.labels
  serial_pipeline {
    stages {
      target_id = google_clouddeploy_target.target[each.key].name
      strategy {
        standard {
          verify = false
        }
      }
    }
  }
}

resource "google_project_iam_member" "deploy" {
  for_each = merge(
    { "release/roles/run.developer" = { account = "release", role = "roles/run.developer" } },
    # A release is the services as they run with another image: whoever makes it has to see them.
    { "image/roles/run.viewer" = { account = "image", role = "roles/run.viewer" } },
    var.cluster == null ? {} : { "deploy/clusterUser" = { account = "deploy", role = local.custom_role_id["clusterUser"] } },
  )
  project    = var.project_id
  role       = each.value.role
  member     = "serviceAccount:${local.build_email[each.value.account]}"
  depends_on = [google_service_account.build, google_project_iam_custom_role.role]
}

# A new revision runs as the service's own account: who releases must be allowed to give it that.
resource "google_service_account_iam_member" "release" {
  for_each           = local.services
  service_account_id = "${local.accounts_path}/${local.email[each.key]}"
  role               = "roles/iam.serviceAccountUser"
  member             = "serviceAccount:${local.build_email["release"]}"
  depends_on         = [google_service_account.service, google_service_account.build]
}

# The build of the image hands it to the pipeline of each service, and to no other.
resource "google_clouddeploy_delivery_pipeline_iam_member" "image" {
  for_each   = local.deployments
  project    = var.project_id
  location   = var.region
  name       = google_clouddeploy_delivery_pipeline.pipeline[each.key].name
  role       = "roles/clouddeploy.releaser"
  member     = "serviceAccount:${local.build_email["image"]}"
  depends_on = [google_service_account.build]
}

resource "google_service_account_iam_member" "image" {
  service_account_id = "${local.accounts_path}/${local.build_email["release"]}"
  role               = "roles/iam.serviceAccountUser"
  member             = "serviceAccount:${local.build_email["image"]}"
  depends_on         = [google_service_account.build]
}
