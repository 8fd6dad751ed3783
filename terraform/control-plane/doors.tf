# People come through Identity-Aware Proxy (in front of console and api); programs and command lines through IAM (api-programs).
locals {
  _programs = {
    for key, each in local.deployments : key =>
    merge(
      each.door == "programs" ? { for member in concat(var.people, var.programs) : member => member } : {},
      each.door == "programs" ? { events = "serviceAccount:${local.email["to-events"]}" } : {},
    )
  }

  _people = merge([
    for key, each in local.deployments : {
      for member in var.people : "${key}<${member}" => { deployment = key, member = member }
    } if each.iap
  ]...)
}

resource "google_iap_web_cloud_run_service_iam_member" "person" {
  for_each               = local._people
  project                = var.project_id
  location               = var.region
  cloud_run_service_name = module.service[each.value.deployment].name
  role                   = "roles/iap.httpsResourceAccessor"
  member                 = each.value.member
}
