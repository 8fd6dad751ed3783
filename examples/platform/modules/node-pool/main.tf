# One autoscaled node pool. A change of the machine type replaces it, as on GKE.
resource "terraform_data" "node_pool" {
  input = {
    name           = "${var.prefix}-${var.name}"
    max_node_count = var.max_node_count
    spot           = var.spot
  }
  triggers_replace = [var.machine_type, var.accelerator]
}
