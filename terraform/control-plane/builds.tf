# Where builds run. With `worker_pool`, on machines without an address of their own, which reach Google's APIs and, only if
# `egress` says so, the code host; without, in the default pool, which reaches everything.
locals {
  worker_pool = var.worker_pool == null ? null : "projects/${var.project_id}/locations/${var.region}/workerPools/${local.prefix}"
}

resource "google_cloudbuild_worker_pool" "pool" {
  count    = var.worker_pool == null ? 0 : 1
  project  = var.project_id
  location = var.region
  name     = local.prefix
  worker_config {
    machine_type   = var.worker_pool.machine_type
    disk_size_gb   = 100
    no_external_ip = true
  }
  private_service_connect {
    network_attachment = google_compute_network_attachment.builds[0].id
    route_all_traffic  = true
  }
  depends_on = [google_project_service.api]
}
