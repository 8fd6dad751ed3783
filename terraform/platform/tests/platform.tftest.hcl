mock_provider "google" {
  mock_data "google_project" {
    defaults = {
      number = "123456789012"
    }
  }
}

variables {
  project_id             = "example-dev"
  environment            = "dev"
  control_plane_accounts = ["signalbox-dev-api@example-dev.iam.gserviceaccount.com"]
  teams = {
    default = { group = "ml@example.com", read_buckets = ["data"], write_buckets = ["models"] }
    search  = {}
  }
}

run "the_cluster_is_private_and_reached_by_name" {
  command = plan

  assert {
    condition     = google_container_cluster.models.control_plane_endpoints_config[0].dns_endpoint_config[0].allow_external_traffic && google_container_cluster.models.control_plane_endpoints_config[0].ip_endpoints_config[0].enabled == false
    error_message = "The API has a name and no address."
  }
  assert {
    condition     = google_container_cluster.models.control_plane_endpoints_config[0].dns_endpoint_config[0].enable_k8s_tokens_via_dns == false && google_container_cluster.models.control_plane_endpoints_config[0].dns_endpoint_config[0].enable_k8s_certs_via_dns == false
    error_message = "By that name only identities of Google are let in."
  }
  assert {
    condition     = google_container_cluster.models.private_cluster_config[0].enable_private_nodes && google_compute_subnetwork.nodes.private_ip_google_access
    error_message = "Nodes have no public addresses."
  }
  assert {
    condition     = google_container_cluster.models.enable_autopilot && google_container_cluster.models.gateway_api_config[0].channel == "CHANNEL_STANDARD" && google_container_cluster.models.monitoring_config[0].managed_prometheus[0].enabled
    error_message = "Autopilot, with the Gateway API and Managed Prometheus."
  }
  assert {
    condition     = google_container_cluster.models.binary_authorization[0].evaluation_mode == "PROJECT_SINGLETON_POLICY_ENFORCE"
    error_message = "Images are admitted by the project's policy."
  }
  assert {
    condition     = google_container_cluster.models.rbac_binding_config[0].enable_insecure_binding_system_unauthenticated == false && google_container_cluster.models.rbac_binding_config[0].enable_insecure_binding_system_authenticated == false
    error_message = "Nothing can be given to everybody."
  }
  assert {
    condition     = google_container_cluster.models.workload_identity_config[0].workload_pool == "example-dev.svc.id.goog"
    error_message = "Pods have identities of their own."
  }
}

run "teams_have_namespaces_and_identities" {
  command = plan

  assert {
    condition     = toset([for each in google_gke_hub_namespace.team : each.scope_namespace_id]) == toset(["team-default", "team-search"])
    error_message = "One namespace a team."
  }
  assert {
    condition     = google_storage_bucket_iam_member.team["default/models=writes"].member == "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/example-dev.svc.id.goog/subject/ns/team-default/sa/jobs" && google_storage_bucket_iam_member.team["default/data=reads"].role == "roles/storage.objectViewer"
    error_message = "Jobs of a team read and write what is theirs."
  }
  assert {
    condition     = keys(google_gke_hub_scope_rbac_role_binding.people) == ["default"]
    error_message = "Only groups that are named are let in."
  }
  assert {
    condition     = google_project_iam_custom_role.cluster_user.permissions == toset(["container.clusters.connect", "container.clusters.get"])
    error_message = "The control plane reaches the API; RBAC says the rest."
  }
  assert {
    condition     = length(google_gke_hub_feature.config) == 0
    error_message = "Without a repository there is no Config Sync."
  }
}

run "configuration_from_an_image" {
  command = plan
  variables {
    config_sync = { repository = "oci://us-central1-docker.pkg.dev/example-dev/config/cluster" }
  }
  assert {
    condition     = google_gke_hub_feature_membership.config[0].configmanagement[0].config_sync[0].oci[0].secret_type == "k8sserviceaccount" && google_gke_hub_feature_membership.config[0].configmanagement[0].config_sync[0].prevent_drift
    error_message = "The configuration is pulled without a secret, and what it says stays so."
  }
}

run "protected_in_prod" {
  command = plan
  variables {
    protected   = true
    environment = "prod"
  }
  assert {
    condition     = google_container_cluster.models.deletion_protection
    error_message = "A protected cluster is not deleted by a slip."
  }
}

run "counters_are_read_from_another_project" {
  command = plan
  variables {
    control_plane_accounts = ["signalbox-dev-api@example-dev.iam.gserviceaccount.com", "signalbox-dev-api@example-control.iam.gserviceaccount.com"]
  }
  assert {
    condition     = [for each in google_project_iam_member.counters : each.member] == ["serviceAccount:signalbox-dev-api@example-control.iam.gserviceaccount.com"] && alltrue([for each in google_project_iam_member.counters : each.role == "roles/monitoring.viewer"])
    error_message = "Who is in the control plane's project reads counters already, and nobody else does."
  }
}
