# One VPC network with a subnet per region, as plain data: this example needs no cloud account and downloads no provider.
resource "terraform_data" "network" {
  input = {
    name = "${var.prefix}-network"
    mtu  = 8896
  }
}

resource "terraform_data" "subnet" {
  for_each = var.subnets

  input = {
    name                     = "${var.prefix}-${each.key}"
    network                  = terraform_data.network.output.name
    region                   = each.key
    ip_cidr_range            = each.value
    private_ip_google_access = true
  }
}
