prefix = "mlp"
subnets = {
  europe-west4 = "10.10.0.0/20"
  us-central1  = "10.20.0.0/20"
}
