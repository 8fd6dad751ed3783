output "name" {
  description = "Name of the namespace."
  value       = terraform_data.namespace.output.name
}
