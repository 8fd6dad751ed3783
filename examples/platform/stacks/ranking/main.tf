# What the ranking team owns: its namespace, with limits.
terraform {
  required_version = ">= 1.9"
}

module "namespace" {
  source = "../../modules/namespace"

  domain = var.domain
  quota = {
    "limits.memory"           = "256Gi"
    "requests.cpu"            = "64"
    "requests.nvidia.com/gpu" = "2"
  }
  team = "ranking"
}

# The password of the team's feature store: made here, marked sensitive, never shown.
resource "terraform_data" "feature_store" {
  input = {
    user     = "ranking"
    password = var.feature_store_password
  }
}
