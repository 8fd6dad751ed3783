# One image for all services, one for builds. What runs is named by digest. Tags may move: a second build of a commit must not fail, and
# an image with an immutable tag could never be cleaned up.
resource "google_artifact_registry_repository" "images" {
  project       = var.project_id
  location      = var.region
  repository_id = local.prefix
  format        = "DOCKER"
  labels        = local.labels
  docker_config {
    immutable_tags = false
  }
  cleanup_policies {
    id     = "keep-the-newest"
    action = "KEEP"
    most_recent_versions {
      keep_count = 20
    }
  }
  cleanup_policies {
    id     = "delete-what-is-old"
    action = "DELETE"
    condition {
      older_than = "7776000s"
    }
  }
  depends_on = [google_project_service.api]
}

locals {
  registry = "${var.region}-docker.pkg.dev/${var.project_id}/${local.prefix}"
}
