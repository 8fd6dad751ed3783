# Nodes have an account that writes logs and metrics and pulls images, and nothing else. Jobs have one a team, without keys.
locals {
  node_account = "${local.prefix}-nodes@${var.project_id}.iam.gserviceaccount.com"
  # The principal of a Kubernetes service account: no service account of Google's stands between.
  _pool = "principal://iam.googleapis.com/projects/${local.project_number}/locations/global/workloadIdentityPools/${var.project_id}.svc.id.goog/subject/ns"

  _team_buckets = merge([
    for team, each in var.teams : merge(
      { for bucket in each.read_buckets : "${team}/${bucket}=reads" => { team = team, bucket = bucket, role = "roles/storage.objectViewer" } },
      { for bucket in each.write_buckets : "${team}/${bucket}=writes" => { team = team, bucket = bucket, role = "roles/storage.objectUser" } },
    )
  ]...)
}

resource "google_service_account" "nodes" {
  project      = var.project_id
  account_id   = "${local.prefix}-nodes"
  display_name = "Nodes of ${local.prefix}"
  depends_on   = [google_project_service.api]
}

resource "google_project_iam_member" "nodes" {
  for_each = toset([
    "roles/artifactregistry.reader",
    "roles/autoscaling.metricsWriter",
    "roles/logging.logWriter",
    "roles/monitoring.metricWriter",
    "roles/monitoring.viewer",
    "roles/stackdriver.resourceMetadata.writer",
  ])
  project    = var.project_id
  role       = each.value
  member     = "serviceAccount:${local.node_account}"
  depends_on = [google_service_account.nodes]
}

resource "google_storage_bucket_iam_member" "team" {
  for_each = local._team_buckets
  bucket   = each.value.bucket
  role     = each.value.role
  member   = "${local._pool}/${local.namespaces[each.value.team]}/sa/jobs"
}

# Services of the control plane reach the API of the cluster; what they may do there RBAC says (deploy/kubernetes/roles.yaml).
resource "google_project_iam_custom_role" "cluster_user" {
  project     = var.project_id
  role_id     = "${replace(local.prefix, "-", "_")}_clusterUser"
  title       = "Reaches the Kubernetes API of ${local.prefix}"
  permissions = ["container.clusters.connect", "container.clusters.get"]
  depends_on  = [google_project_service.api]
}

resource "google_project_iam_member" "control_plane" {
  for_each   = toset(var.control_plane_accounts)
  project    = var.project_id
  role       = "projects/${var.project_id}/roles/${replace(local.prefix, "-", "_")}_clusterUser"
  member     = "serviceAccount:${each.value}"
  depends_on = [google_project_iam_custom_role.cluster_user]
}

# Counters lie in the project of the cluster. In the control plane's own project its roles let it read them already.
resource "google_project_iam_member" "counters" {
  for_each   = toset([for account in var.control_plane_accounts : account if !endswith(account, "@${var.project_id}.iam.gserviceaccount.com")])
  project    = var.project_id
  role       = "roles/monitoring.viewer"
  member     = "serviceAccount:${each.value}"
  depends_on = [google_project_service.api]
}
