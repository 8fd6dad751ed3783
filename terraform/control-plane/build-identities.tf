# Who builds are. A plan runs code of a pull request, so its identity reads and cannot write, and sees no secret. What applies
# is started only by the provisioner, after approval.
locals {
  _builders = {
    "tf-plan"                     = "plans: reads the target projects and the state"
    "tf-apply-${var.environment}" = "applies what was approved for ${var.environment}"
    "digest"                      = "computes digests of artifacts"
    "deploy"                      = "puts backends into the cluster, for Cloud Deploy"
    "release"                     = "puts new revisions of the services, for Cloud Deploy"
    "image"                       = "checks and builds the image"
  }
  build_email = { for name, what in local._builders : name => "${local.prefix}-${name}@${var.project_id}.iam.gserviceaccount.com" }

  _builds_log = ["tf-plan", "tf-apply-${var.environment}", "digest", "image", "deploy", "release"]

  # project → role → who
  _plan_roles = merge([
    for project in keys(var.target_projects) : {
      for role in var.plan_roles : "${project}/${role}" => { project = project, role = role }
    }
  ]...)
  _apply_roles = merge([
    for project, target in var.target_projects : {
      for role in target.roles : "${project}/${role}" => { project = project, role = role }
    }
  ]...)
}

resource "google_service_account" "build" {
  for_each     = local._builders
  project      = var.project_id
  account_id   = "${local.prefix}-${each.key}"
  display_name = "Signalbox ${var.environment}: ${each.value}"
  depends_on   = [google_project_service.api]
}

resource "google_project_iam_member" "build_logs" {
  for_each   = toset(local._builds_log)
  project    = var.project_id
  role       = "roles/logging.logWriter"
  member     = "serviceAccount:${local.build_email[each.value]}"
  depends_on = [google_service_account.build]
}

resource "google_project_iam_member" "plan" {
  for_each   = local._plan_roles
  project    = each.value.project
  role       = each.value.role
  member     = "serviceAccount:${local.build_email["tf-plan"]}"
  depends_on = [google_service_account.build]
}

resource "google_project_iam_member" "apply" {
  for_each   = local._apply_roles
  project    = each.value.project
  role       = each.value.role
  member     = "serviceAccount:${local.build_email["tf-apply-${var.environment}"]}"
  depends_on = [google_service_account.build]
}

# Builds run our own image, and read nothing else of the repository. Whoever deploys to Cloud Run must be able to read the image.
resource "google_artifact_registry_repository_iam_member" "build" {
  for_each = {
    "tf-plan"  = "roles/artifactregistry.reader"
    "tf-apply" = "roles/artifactregistry.reader"
    "digest"   = "roles/artifactregistry.reader"
    "release"  = "roles/artifactregistry.reader"
    "image"    = "roles/artifactregistry.writer"
  }
  project    = var.project_id
  location   = var.region
  repository = google_artifact_registry_repository.images.repository_id
  role       = each.value
  member     = "serviceAccount:${local.build_email[lookup(local._acts_as, each.key, each.key)]}"
  depends_on = [google_service_account.build]
}
