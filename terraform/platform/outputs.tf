output "cluster" {
  description = "What `cluster` of ../control-plane is to be."
  value       = "projects/${var.project_id}/locations/${var.region}/clusters/${local.prefix}"
}

output "cluster_endpoint" {
  description = "What `cluster_endpoint` of ../control-plane is to be: the name by which the cluster's API is reached."
  value       = google_container_cluster.models.control_plane_endpoints_config[0].dns_endpoint_config[0].endpoint
}

output "jobs" {
  description = "Team → IAM principal of its jobs."
  value       = { for team in keys(var.teams) : team => "${local._pool}/${local.namespaces[team]}/sa/jobs" }
}

output "node_account" {
  description = "Identity of the nodes: a reader of artifacts."
  value       = "serviceAccount:${local.node_account}"
}
