output "feature_store_password" {
  description = "Password of the feature store."
  sensitive   = true
  value       = terraform_data.feature_store.output.password
}

output "namespace" {
  description = "Name of the team's namespace."
  value       = module.namespace.name
}
