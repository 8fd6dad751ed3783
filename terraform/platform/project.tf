data "google_project" "project" {
  project_id = var.project_id
}

locals {
  prefix         = "${var.name}-${var.environment}"
  project_number = data.google_project.project.number
  labels         = { app = "signalbox", environment = var.environment }
}

resource "google_project_service" "api" {
  for_each = toset([
    "anthos.googleapis.com",
    "anthosconfigmanagement.googleapis.com",
    "artifactregistry.googleapis.com",
    "binaryauthorization.googleapis.com",
    "compute.googleapis.com",
    "connectgateway.googleapis.com",
    "container.googleapis.com",
    "gkeconnect.googleapis.com",
    "gkehub.googleapis.com",
    "iam.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
  ])
  project            = var.project_id
  service            = each.value
  disable_on_destroy = false
}
