# One Cloud Run service: second generation, billed for requests, its own identity, one image for all.
resource "google_cloud_run_v2_service" "service" {
  project              = var.project_id
  name                 = var.name
  location             = var.region
  labels               = var.labels
  ingress              = var.ingress
  iap_enabled          = var.iap
  invoker_iam_disabled = false
  custom_audiences     = [var.audience]
  deletion_protection  = var.deletion_protection

  dynamic "binary_authorization" {
    for_each = var.binary_authorization ? [true] : []
    content {
      use_default = true
    }
  }

  template {
    service_account                  = var.account
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"
    timeout                          = "${var.timeout_seconds}s"
    max_instance_request_concurrency = var.concurrency
    labels                           = var.labels

    scaling {
      min_instance_count = var.instances_min
      max_instance_count = var.instances_max
    }

    dynamic "vpc_access" {
      for_each = var.network == null ? [] : [var.network]
      content {
        egress = "PRIVATE_RANGES_ONLY"
        network_interfaces {
          network    = vpc_access.value.network
          subnetwork = vpc_access.value.subnetwork
        }
      }
    }

    containers {
      image = var.image
      args  = [var.entry]

      ports {
        container_port = 8080
      }

      resources {
        limits            = { cpu = var.cpu, memory = var.memory }
        cpu_idle          = true
        startup_cpu_boost = true
      }

      dynamic "env" {
        for_each = var.env
        content {
          name  = env.key
          value = env.value
        }
      }

      # It listens, so the configuration was read; nothing else is asked, so that an outage elsewhere does not prevent starts.
      startup_probe {
        initial_delay_seconds = 0
        period_seconds        = 1
        timeout_seconds       = 1
        failure_threshold     = 30
        http_get {
          path = "/startupz"
          port = 8080
          # The services refuse host names that are not theirs; the probe has none of its own.
          http_headers {
            name  = "Host"
            value = "localhost"
          }
        }
      }

      # The event loop turns: a process that is stuck for three probes is replaced. It says nothing of what it depends on.
      liveness_probe {
        period_seconds    = 30
        timeout_seconds   = 5
        failure_threshold = 3
        http_get {
          path = "/livez"
          port = 8080
          http_headers {
            name  = "Host"
            value = "localhost"
          }
        }
      }
    }
  }

  traffic {
    type    = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
    percent = 100
  }

  lifecycle {
    # Cloud Deploy brings new images; the settings stay ours.
    ignore_changes = [client, client_version, template[0].containers[0].image, template[0].revision]
  }
}
