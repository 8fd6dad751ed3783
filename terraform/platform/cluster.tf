# One Autopilot cluster: Google keeps the nodes, GPUs come by request of a pod. Its API has no address: it is reached by name,
# by whoever IAM lets through (docs/decisions/0043).
resource "google_container_cluster" "models" {
  project             = var.project_id
  name                = local.prefix
  location            = var.region
  enable_autopilot    = true
  deletion_protection = var.protected
  resource_labels     = local.labels
  network             = google_compute_network.models.id
  subnetwork          = google_compute_subnetwork.nodes.id

  ip_allocation_policy {
    cluster_secondary_range_name  = "pods"
    services_secondary_range_name = "services"
  }

  release_channel {
    channel = "REGULAR"
  }

  private_cluster_config {
    enable_private_nodes = true
  }

  control_plane_endpoints_config {
    dns_endpoint_config {
      allow_external_traffic    = true
      enable_k8s_tokens_via_dns = false
      enable_k8s_certs_via_dns  = false
    }
    ip_endpoints_config {
      enabled = false
    }
  }

  # HTTPRoute, of which Signalbox alone moves the weights.
  gateway_api_config {
    channel = "CHANNEL_STANDARD"
  }

  workload_identity_config {
    workload_pool = "${var.project_id}.svc.id.goog"
  }

  # Counters per version, from which the judge decides.
  monitoring_config {
    enable_components = ["SYSTEM_COMPONENTS", "DEPLOYMENT", "POD"]
    managed_prometheus {
      enabled = true
    }
  }

  logging_config {
    enable_components = ["SYSTEM_COMPONENTS", "WORKLOADS"]
  }

  addons_config {
    gcs_fuse_csi_driver_config {
      enabled = true
    }
    ray_operator_config {
      enabled = true
      ray_cluster_logging_config {
        enabled = true
      }
      ray_cluster_monitoring_config {
        enabled = true
      }
    }
  }

  binary_authorization {
    evaluation_mode = "PROJECT_SINGLETON_POLICY_ENFORCE"
  }

  security_posture_config {
    mode = "BASIC"
    # Basic scanning of workloads is no longer offered.
    vulnerability_mode = "VULNERABILITY_DISABLED"
  }

  rbac_binding_config {
    enable_insecure_binding_system_unauthenticated = false
    enable_insecure_binding_system_authenticated   = false
  }

  cluster_autoscaling {
    auto_provisioning_defaults {
      service_account = local.node_account
    }
  }

  dynamic "authenticator_groups_config" {
    for_each = var.admin_groups == null ? [] : [var.admin_groups.domain]
    content {
      security_group = "gke-security-groups@${authenticator_groups_config.value}"
    }
  }

  fleet {
    project = var.project_id
  }

  depends_on = [google_project_iam_member.nodes, google_project_service.api]
}
