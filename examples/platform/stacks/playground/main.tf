# The platform that all teams share: network and node pools.
terraform {
  required_version = ">= 1.9"
}

module "network" {
  source = "../../modules/network"

  prefix  = var.prefix
  subnets = var.subnets
}

module "cpu" {
  source = "../../modules/node-pool"

  machine_type   = "n4-standard-8"
  max_node_count = 32
  name           = "cpu"
  prefix         = var.prefix
}

module "l4" {
  source = "../../modules/node-pool"

  accelerator    = "nvidia-l4"
  machine_type   = "g2-standard-24"
  max_node_count = 4
  name           = "l4"
  prefix         = var.prefix
  spot           = true
}
