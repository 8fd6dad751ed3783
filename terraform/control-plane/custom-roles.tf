# Where the predefined role would allow more than the code calls.
locals {
  _custom_roles = {
    ledgerWriter = {
      title = "reads and writes documents of the ledger; no indexes, no databases, no imports"
      permissions = [
        "datastore.databases.get",
        "datastore.entities.create",
        "datastore.entities.delete",
        "datastore.entities.get",
        "datastore.entities.list",
        "datastore.entities.update",
      ]
    }
    buildStarter = {
      title = "starts, looks at and cancels builds; no triggers, no pools, no approvals"
      permissions = [
        "cloudbuild.builds.create",
        "cloudbuild.builds.get",
        "cloudbuild.builds.list",
        "cloudbuild.builds.update",
        "cloudbuild.workerpools.use",
      ]
    }
    releaseCreator = {
      title = "releases backends and cancels rollouts; approves nothing and changes no pipeline"
      permissions = [
        "clouddeploy.deliveryPipelines.get",
        "clouddeploy.releases.create",
        "clouddeploy.releases.get",
        "clouddeploy.releases.list",
        "clouddeploy.rollouts.cancel",
        "clouddeploy.rollouts.create",
        "clouddeploy.rollouts.get",
        "clouddeploy.rollouts.list",
      ]
    }
    releaseWatcher = {
      title       = "waits for releases of the services that it made"
      permissions = ["clouddeploy.operations.get", "clouddeploy.targets.get"]
    }
    sourceStager = {
      title       = "lays down what a release is rendered from; reads and replaces nothing"
      permissions = ["storage.buckets.get", "storage.objects.create"]
    }
    clusterUser = {
      title       = "reaches the Kubernetes API; what it may do there RBAC alone says"
      permissions = ["container.clusters.connect", "container.clusters.get"]
    }
  }

  custom_role_id = {
    for name, role in local._custom_roles :
    name => "projects/${var.project_id}/roles/${replace(local.prefix, "-", "_")}_${name}"
  }
}

resource "google_project_iam_custom_role" "role" {
  for_each    = local._custom_roles
  project     = var.project_id
  role_id     = "${replace(local.prefix, "-", "_")}_${each.key}"
  title       = "Signalbox ${var.environment}: ${each.key}"
  description = each.value.title
  permissions = each.value.permissions
  depends_on  = [google_project_service.api]
}
