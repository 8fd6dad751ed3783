output "name" {
  description = "Name of the node pool."
  value       = terraform_data.node_pool.output.name
}
