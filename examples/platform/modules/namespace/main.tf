# One team's namespace with its quota and its reader group.
resource "terraform_data" "namespace" {
  input = {
    name = var.team
    labels = {
      team                                 = var.team
      "pod-security.kubernetes.io/enforce" = "restricted"
    }
  }
}

resource "terraform_data" "quota" {
  input = {
    namespace = terraform_data.namespace.output.name
    hard      = var.quota
  }
}

resource "terraform_data" "readers" {
  input = {
    namespace = terraform_data.namespace.output.name
    role      = "view"
    group     = "${var.team}-readers@${var.domain}"
  }
}
