# Only for the private pool of builds. Services need no network: they reach Google's APIs and the cluster's DNS-based endpoint
# without one (docs/decisions/0043).
resource "google_compute_network" "builds" {
  count                   = var.worker_pool == null ? 0 : 1
  project                 = var.project_id
  name                    = "${local.prefix}-builds"
  auto_create_subnetworks = false
  depends_on              = [google_project_service.api]
}

resource "google_compute_subnetwork" "builds" {
  count                    = var.worker_pool == null ? 0 : 1
  project                  = var.project_id
  region                   = var.region
  name                     = "${local.prefix}-builds"
  network                  = google_compute_network.builds[0].id
  ip_cidr_range            = var.worker_pool.cidr
  private_ip_google_access = true
}

resource "google_compute_network_attachment" "builds" {
  count                 = var.worker_pool == null ? 0 : 1
  project               = var.project_id
  region                = var.region
  name                  = "${local.prefix}-builds"
  connection_preference = "ACCEPT_MANUAL"
  subnetworks           = [google_compute_subnetwork.builds[0].id]
  lifecycle {
    # Cloud Build adds its own project when the pool is made.
    ignore_changes = [producer_accept_lists]
  }
}

# Google's APIs by private addresses, so that "no egress" does not mean "no APIs".
resource "google_dns_managed_zone" "googleapis" {
  count      = var.worker_pool == null ? 0 : 1
  project    = var.project_id
  name       = "${local.prefix}-googleapis"
  dns_name   = "googleapis.com."
  visibility = "private"
  private_visibility_config {
    networks {
      network_url = google_compute_network.builds[0].id
    }
  }
}

resource "google_dns_record_set" "googleapis" {
  for_each = var.worker_pool == null ? {} : {
    "private.googleapis.com." = { type = "A", rrdatas = ["199.36.153.8", "199.36.153.9", "199.36.153.10", "199.36.153.11"] }
    "*.googleapis.com."       = { type = "CNAME", rrdatas = ["private.googleapis.com."] }
  }
  project      = var.project_id
  managed_zone = google_dns_managed_zone.googleapis[0].name
  name         = each.key
  type         = each.value.type
  ttl          = 300
  rrdatas      = each.value.rrdatas
}

resource "google_compute_router" "builds" {
  count   = try(var.worker_pool.egress, "none") == "nat" ? 1 : 0
  project = var.project_id
  region  = var.region
  name    = "${local.prefix}-builds"
  network = google_compute_network.builds[0].id
}

resource "google_compute_router_nat" "builds" {
  count                              = try(var.worker_pool.egress, "none") == "nat" ? 1 : 0
  project                            = var.project_id
  region                             = var.region
  name                               = "${local.prefix}-builds"
  router                             = google_compute_router.builds[0].name
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "ALL_SUBNETWORKS_ALL_IP_RANGES"
  log_config {
    enable = true
    filter = "ALL"
  }
}
