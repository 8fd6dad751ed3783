output "name" {
  description = "Name of the Cloud Run service."
  value       = google_cloud_run_v2_service.service.name
}

output "uri" {
  description = "URL that Cloud Run gave it."
  value       = google_cloud_run_v2_service.service.uri
}

output "invokers" {
  description = "Who may call, as planned."
  value       = { for key, each in google_cloud_run_v2_service_iam_member.invoker : key => each.member }
}

output "settings" {
  description = "What tests and figures ask of the plan."
  value = {
    account               = google_cloud_run_v2_service.service.template[0].service_account
    audiences             = google_cloud_run_v2_service.service.custom_audiences
    binary_authorization  = try(google_cloud_run_v2_service.service.binary_authorization[0].use_default, false)
    concurrency           = google_cloud_run_v2_service.service.template[0].max_instance_request_concurrency
    cpu_idle              = google_cloud_run_v2_service.service.template[0].containers[0].resources[0].cpu_idle
    deletion_protection   = google_cloud_run_v2_service.service.deletion_protection
    env                   = { for each in google_cloud_run_v2_service.service.template[0].containers[0].env : each.name => each.value }
    entry                 = google_cloud_run_v2_service.service.template[0].containers[0].args[0]
    execution_environment = google_cloud_run_v2_service.service.template[0].execution_environment
    iap                   = google_cloud_run_v2_service.service.iap_enabled
    ingress               = google_cloud_run_v2_service.service.ingress
    instances_max         = google_cloud_run_v2_service.service.template[0].scaling[0].max_instance_count
    instances_min         = google_cloud_run_v2_service.service.template[0].scaling[0].min_instance_count
    invoker_iam_disabled  = google_cloud_run_v2_service.service.invoker_iam_disabled
    limits                = google_cloud_run_v2_service.service.template[0].containers[0].resources[0].limits
    startup_cpu_boost     = google_cloud_run_v2_service.service.template[0].containers[0].resources[0].startup_cpu_boost
    timeout               = google_cloud_run_v2_service.service.template[0].timeout
  }
}
