output "buckets" {
  description = "Buckets by what they hold."
  value       = local.bucket_name
}

output "deployments" {
  description = "Cloud Run services: which service each runs, its door, URL and ingress."
  value       = local.deployments
}

output "grants" {
  description = "What each service and each job may do, and on what."
  value       = local._grants
}

output "identities" {
  description = "Accounts of services, jobs, pushes and builds."
  value       = local.email
}

output "registry" {
  description = "Repository of images."
  value       = local.registry
}

output "signing" {
  description = "What cloudbuild.yaml signs images with: `_ATTESTOR` and `_KEY`. Null without `signing`."
  value = var.signing == null ? null : {
    attestor = google_binary_authorization_attestor.built[0].id
    key      = data.google_kms_crypto_key_version.images[0].name
  }
}

output "subscriptions" {
  description = "Subscriptions on facts, with their filters."
  value       = local.subscriptions
}

output "webhook_url" {
  description = "What to enter as the webhook's address at GitHub."
  value       = var.load_balancer == null ? "${local.deployments["webhook"].url}${local.services["webhook"].path}" : "https://${var.load_balancer.domain}${local.services["webhook"].path}"
}
