data "google_project" "project" {
  project_id = var.project_id
}

locals {
  project_number = data.google_project.project.number

  # Agents of Google: identities that its services act with in this project.
  agents = {
    pubsub     = "serviceAccount:service-${local.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
    iap        = "serviceAccount:service-${local.project_number}@gcp-sa-iap.iam.gserviceaccount.com"
    deploy     = "serviceAccount:service-${local.project_number}@gcp-sa-clouddeploy.iam.gserviceaccount.com"
    cloudbuild = "serviceAccount:service-${local.project_number}@gcp-sa-cloudbuild.iam.gserviceaccount.com"
  }

  apis = toset(concat(var.signing == null ? [] : ["cloudkms.googleapis.com"], [
    "artifactregistry.googleapis.com",
    "binaryauthorization.googleapis.com",
    "cloudbuild.googleapis.com",
    "clouddeploy.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "cloudscheduler.googleapis.com",
    "cloudtrace.googleapis.com",
    "compute.googleapis.com",
    "container.googleapis.com",
    # Where Cloud Build keeps the provenance of images; cloudbuild.yaml asks for it, and fails without.
    "containeranalysis.googleapis.com",
    "dns.googleapis.com",
    "firestore.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "iap.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "serviceusage.googleapis.com",
    "storage.googleapis.com",
    "sts.googleapis.com",
    "workflowexecutions.googleapis.com",
    "workflows.googleapis.com",
  ]))
}

resource "google_project_service" "api" {
  for_each           = local.apis
  project            = var.project_id
  service            = each.value
  disable_on_destroy = false
}

# Who read a secret, a plan or a state, and who acted as whom.
resource "google_project_iam_audit_config" "reads" {
  for_each = toset(["secretmanager.googleapis.com", "storage.googleapis.com", "iamcredentials.googleapis.com"])
  project  = var.project_id
  service  = each.value
  audit_log_config {
    log_type = "DATA_READ"
  }
}
