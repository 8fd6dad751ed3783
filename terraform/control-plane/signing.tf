# Optional: the key and the attestor with which cloudbuild.yaml signs the images that it has checked and built. First the key alone
# (`signing = {}`), so that there is something to sign with; once what runs is signed, `enforced`.
resource "google_kms_key_ring" "signing" {
  count      = var.signing == null ? 0 : 1
  project    = var.project_id
  name       = "${local.prefix}-signing"
  location   = var.region
  depends_on = [google_project_service.api]
}

resource "google_kms_crypto_key" "images" {
  count                      = var.signing == null ? 0 : 1
  name                       = "images"
  key_ring                   = google_kms_key_ring.signing[0].id
  purpose                    = "ASYMMETRIC_SIGN"
  destroy_scheduled_duration = "2592000s" # 30 days to change one's mind

  version_template {
    algorithm        = "EC_SIGN_P256_SHA256"
    protection_level = "SOFTWARE"
  }

  lifecycle {
    prevent_destroy = true
  }
}

# Keys that sign are not rotated by themselves: a new version is added to the attestor beside the old one.
data "google_kms_crypto_key_version" "images" {
  count      = var.signing == null ? 0 : 1
  crypto_key = google_kms_crypto_key.images[0].id
}

resource "google_container_analysis_note" "built" {
  count   = var.signing == null ? 0 : 1
  project = var.project_id
  name    = "${local.prefix}-built"
  attestation_authority {
    hint {
      human_readable_name = "checked and built by cloudbuild.yaml"
    }
  }
  depends_on = [google_project_service.api]
}

resource "google_binary_authorization_attestor" "built" {
  count   = var.signing == null ? 0 : 1
  project = var.project_id
  name    = "${local.prefix}-built"
  attestation_authority_note {
    note_reference = google_container_analysis_note.built[0].name
    public_keys {
      id = data.google_kms_crypto_key_version.images[0].id
      pkix_public_key {
        public_key_pem      = data.google_kms_crypto_key_version.images[0].public_key[0].pem
        signature_algorithm = data.google_kms_crypto_key_version.images[0].public_key[0].algorithm
      }
    }
  }
}

# Who builds the images signs them, and nobody else: with this key, for this note.
resource "google_kms_crypto_key_iam_member" "signer" {
  count         = var.signing == null ? 0 : 1
  crypto_key_id = google_kms_crypto_key.images[0].id
  role          = "roles/cloudkms.signerVerifier"
  member        = "serviceAccount:${local.build_email["image"]}"
  depends_on    = [google_service_account.build]
}

resource "google_container_analysis_note_iam_member" "signer" {
  count      = var.signing == null ? 0 : 1
  project    = var.project_id
  note       = google_container_analysis_note.built[0].name
  role       = "roles/containeranalysis.notes.attacher"
  member     = "serviceAccount:${local.build_email["image"]}"
  depends_on = [google_service_account.build]
}

resource "google_binary_authorization_attestor_iam_member" "signer" {
  count      = var.signing == null ? 0 : 1
  project    = var.project_id
  attestor   = google_binary_authorization_attestor.built[0].name
  role       = "roles/binaryauthorization.attestorsViewer"
  member     = "serviceAccount:${local.build_email["image"]}"
  depends_on = [google_service_account.build]
}

resource "google_project_iam_member" "signer" {
  count      = var.signing == null ? 0 : 1
  project    = var.project_id
  role       = "roles/containeranalysis.occurrences.editor"
  member     = "serviceAccount:${local.build_email["image"]}"
  depends_on = [google_service_account.build]
}
