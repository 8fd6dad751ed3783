# The shipped workflows, byte for byte. They keep time and call our API; they may do nothing else.
locals {
  workflow_files = {
    for name in fileset("${path.module}/../../workflows", "*.yaml") :
    trimsuffix(name, ".yaml") => "${path.module}/../../workflows/${name}" if !endswith(name, ".cases.yaml")
  }
}

# Failed calls of a step are in the log only if the workflow's account may write it.
resource "google_project_iam_member" "workflow_logs" {
  project    = var.project_id
  role       = "roles/logging.logWriter"
  member     = "serviceAccount:${local.email["workflows"]}"
  depends_on = [google_service_account.service]
}

resource "google_workflows_workflow" "workflow" {
  for_each                = local.workflow_files
  project                 = var.project_id
  region                  = var.region
  name                    = "${local.prefix}-${each.key}"
  description             = "Shipped with Signalbox: workflows/${each.key}.yaml"
  labels                  = local.labels
  service_account         = local.email["workflows"]
  source_contents         = file(each.value)
  call_log_level          = "LOG_ERRORS_ONLY"
  execution_history_level = "EXECUTION_HISTORY_BASIC"
  deletion_protection     = var.protected
  depends_on              = [google_service_account.service, google_project_service.api]
}
