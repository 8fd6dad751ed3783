# The fleet: one scope and one namespace a team, with its people in it; the cluster's configuration from a repository.
locals {
  # As deploy/kubernetes/team.yaml and the services name them: no team can be `kube-system`.
  namespaces = { for team in keys(var.teams) : team => "team-${team}" }
}

resource "google_gke_hub_scope" "team" {
  for_each   = var.teams
  project    = var.project_id
  scope_id   = "${local.prefix}-${each.key}"
  labels     = local.labels
  depends_on = [google_project_service.api]
}

resource "google_gke_hub_namespace" "team" {
  for_each           = var.teams
  project            = var.project_id
  scope_id           = google_gke_hub_scope.team[each.key].scope_id
  scope              = "projects/${var.project_id}/locations/global/scopes/${local.prefix}-${each.key}"
  scope_namespace_id = local.namespaces[each.key]
  # The Gateway takes routes of namespaces that carry our label.
  namespace_labels = {
    "app.kubernetes.io/managed-by"       = "signalbox"
    "signalbox.dev/team"                 = each.key
    "pod-security.kubernetes.io/enforce" = "baseline"
  }
}

resource "google_gke_hub_membership_binding" "team" {
  for_each              = var.teams
  project               = var.project_id
  location              = var.region
  membership_binding_id = "${local.prefix}-${each.key}"
  membership_id         = local.prefix
  scope                 = google_gke_hub_scope.team[each.key].name
  depends_on            = [google_container_cluster.models]
}

resource "google_gke_hub_scope_rbac_role_binding" "people" {
  for_each                   = { for team, each in var.teams : team => each if each.group != null }
  project                    = var.project_id
  scope_id                   = google_gke_hub_scope.team[each.key].scope_id
  scope_rbac_role_binding_id = "${local.prefix}-${each.key}"
  group                      = each.value.group
  role {
    predefined_role = "EDIT"
  }
}

resource "google_gke_hub_feature" "config" {
  count      = var.config_sync == null ? 0 : 1
  project    = var.project_id
  name       = "configmanagement"
  location   = "global"
  labels     = local.labels
  depends_on = [google_project_service.api]
}

resource "google_gke_hub_feature_membership" "config" {
  count               = var.config_sync == null ? 0 : 1
  project             = var.project_id
  location            = "global"
  feature             = google_gke_hub_feature.config[0].name
  membership          = local.prefix
  membership_location = var.region
  configmanagement {
    management = "MANAGEMENT_AUTOMATIC"
    config_sync {
      enabled       = true
      prevent_drift = true
      source_format = "unstructured"
      dynamic "oci" {
        for_each = startswith(var.config_sync.repository, "oci://") ? [var.config_sync] : []
        content {
          sync_repo   = trimprefix(oci.value.repository, "oci://")
          policy_dir  = oci.value.directory
          secret_type = "k8sserviceaccount"
        }
      }
      dynamic "git" {
        for_each = startswith(var.config_sync.repository, "oci://") ? [] : [var.config_sync]
        content {
          sync_repo   = git.value.repository
          sync_branch = git.value.branch
          policy_dir  = git.value.directory
          secret_type = "none"
        }
      }
    }
  }
  depends_on = [google_container_cluster.models]
}
