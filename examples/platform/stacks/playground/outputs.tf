output "network" {
  description = "Name of the network."
  value       = module.network.name
}

output "node_pools" {
  description = "Names of the node pools."
  value       = [module.cpu.name, module.l4.name]
}
