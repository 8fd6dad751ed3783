# Optional: a push to the branch of our own repository starts cloudbuild.yaml, as the account `image`. The connection to the code host is made
# by a person, who lets Cloud Build's App in (docs/deploy.md, "Build each commit"), and is no part of this state.
locals {
  _build_trigger = var.build_trigger == null ? 0 : 1
  _connection    = try(regex("^projects/([^/]+)/locations/([^/]+)/connections/([^/]+)/", var.build_trigger.repository), null)
}

resource "google_cloudbuild_trigger" "image" {
  count           = local._build_trigger
  project         = var.project_id
  location        = var.region
  name            = "${local.prefix}-image"
  description     = "Checks, builds, signs and releases what comes onto ${var.build_trigger.branch}"
  filename        = "cloudbuild.yaml"
  service_account = "${local.accounts_path}/${local.build_email["image"]}"

  # No pull request starts it: its code would run as who releases the control plane.
  repository_event_config {
    repository = var.build_trigger.repository
    push {
      branch = var.build_trigger.branch
    }
  }

  substitutions = merge(
    {
      _REGION   = var.region
      _PREFIX   = local.prefix
      _REGISTRY = local.registry
    },
    var.signing == null ? {} : {
      _ATTESTOR = google_binary_authorization_attestor.built[0].id
      _KEY      = data.google_kms_crypto_key_version.images[0].name
    },
    var.build_trigger.base_images,
  )

  depends_on = [google_service_account.build, google_project_service.api]
}

# The build reads the commit through the connection: this one and no other, and it cannot write.
resource "google_cloudbuildv2_connection_iam_member" "image" {
  count      = local._build_trigger
  project    = local._connection[0]
  location   = local._connection[1]
  name       = local._connection[2]
  role       = "roles/cloudbuild.readTokenAccessor"
  member     = "serviceAccount:${local.build_email["image"]}"
  depends_on = [google_service_account.build]
}
