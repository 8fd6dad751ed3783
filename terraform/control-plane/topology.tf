module "topology" {
  source         = "../modules/topology"
  prefix         = local.prefix
  project_id     = var.project_id
  project_number = local.project_number
  region         = var.region
}

locals {
  prefix = "${var.name}-${var.environment}"
  labels = { app = var.name, environment = var.environment }

  services      = module.topology.services
  deployments   = module.topology.deployments
  jobs          = module.topology.jobs
  subscriptions = module.topology.subscriptions
  email         = merge(module.topology.email, local.build_email)
}
