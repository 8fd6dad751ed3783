# Nodes have no addresses of their own; what they fetch from the internet goes through NAT.
resource "google_compute_network" "models" {
  project                 = var.project_id
  name                    = local.prefix
  auto_create_subnetworks = false
  depends_on              = [google_project_service.api]
}

resource "google_compute_subnetwork" "nodes" {
  project                  = var.project_id
  region                   = var.region
  name                     = "${local.prefix}-nodes"
  network                  = google_compute_network.models.id
  ip_cidr_range            = var.network.nodes
  private_ip_google_access = true
  secondary_ip_range {
    range_name    = "pods"
    ip_cidr_range = var.network.pods
  }
  secondary_ip_range {
    range_name    = "services"
    ip_cidr_range = var.network.services
  }
}

# The regional load balancers of the Gateway API have their proxies here.
resource "google_compute_subnetwork" "proxies" {
  project       = var.project_id
  region        = var.region
  name          = "${local.prefix}-proxies"
  network       = google_compute_network.models.id
  ip_cidr_range = var.network.proxies
  purpose       = "REGIONAL_MANAGED_PROXY"
  role          = "ACTIVE"
}

resource "google_compute_router" "models" {
  project = var.project_id
  region  = var.region
  name    = local.prefix
  network = google_compute_network.models.id
}

resource "google_compute_router_nat" "models" {
  project                            = var.project_id
  region                             = var.region
  name                               = local.prefix
  router                             = google_compute_router.models.name
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "ALL_SUBNETWORKS_ALL_IP_RANGES"
  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}
