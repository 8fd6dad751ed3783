output "name" {
  description = "Name of the network."
  value       = terraform_data.network.output.name
}

output "subnets" {
  description = "Region to subnet name."
  value       = { for region, subnet in terraform_data.subnet : region => subnet.output.name }
}
