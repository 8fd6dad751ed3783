# What somebody starts by hand and what ends by itself. It costs nothing until then, and nothing starts it: no schedule, no push, no service.
resource "google_cloud_run_v2_job" "job" {
  for_each            = local.jobs
  project             = var.project_id
  name                = each.value.name
  location            = var.region
  labels              = local.labels
  deletion_protection = var.protected

  binary_authorization {
    use_default = true
  }

  template {
    labels      = local.labels
    parallelism = 1
    task_count  = 1

    template {
      service_account       = local.email[each.key]
      execution_environment = "EXECUTION_ENVIRONMENT_GEN2"
      timeout               = "${each.value.timeout_seconds}s"
      max_retries           = each.value.retries_max

      containers {
        image = var.image
        # The image's own command names the services. Whatever `--args` adds goes to the program.
        command = ["/nodejs/bin/node", "--disable-warning=ExperimentalWarning", each.value.program]

        resources {
          limits = { cpu = each.value.cpu, memory = each.value.memory }
        }

        dynamic "env" {
          for_each = local._env
          content {
            name  = env.key
            value = env.value
          }
        }
      }
    }
  }

  lifecycle {
    # Whoever starts it first gives it the image that the services run: docs/deploy.md, "Rebuild the views".
    ignore_changes = [client, client_version, template[0].template[0].containers[0].image]
  }

  depends_on = [google_service_account.service, google_binary_authorization_policy.policy]
}
