# Builds run on machines that reach Google's APIs and the code host; the webhook is kept warm ($10 a month).
environment        = "prod"
firestore_location = "us-central1"
protected          = true
instances_min      = { webhook = 1 }
worker_pool        = { egress = "nat" }
