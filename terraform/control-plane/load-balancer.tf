# Optional: one address for people and GitHub. Of the webhook it lets through one path; the services then refuse to be called otherwise.
locals {
  _balanced = var.load_balancer == null ? {} : { for key in ["webhook", "console", "api"] : key => local.deployments[key] }
  _balancer = var.load_balancer == null ? 0 : 1
}

resource "google_compute_global_address" "front" {
  count      = local._balancer
  project    = var.project_id
  name       = local.prefix
  depends_on = [google_project_service.api]
}

resource "google_compute_region_network_endpoint_group" "service" {
  for_each              = local._balanced
  project               = var.project_id
  region                = var.region
  name                  = each.value.name
  network_endpoint_type = "SERVERLESS"
  cloud_run {
    service = module.service[each.key].name
  }
}

resource "google_compute_security_policy" "front" {
  count   = local._balancer
  project = var.project_id
  name    = local.prefix
  rule {
    action   = "throttle"
    priority = 1000
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "IP"
      rate_limit_threshold {
        count        = 600
        interval_sec = 60
      }
    }
  }
  rule {
    action   = "allow"
    priority = 2147483647
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
  }
}

resource "google_compute_backend_service" "service" {
  for_each              = local._balanced
  project               = var.project_id
  name                  = each.value.name
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTPS"
  security_policy       = google_compute_security_policy.front[0].id
  backend {
    group = google_compute_region_network_endpoint_group.service[each.key].id
  }
  log_config {
    enable      = true
    sample_rate = 1
  }
}

resource "google_compute_url_map" "front" {
  count           = local._balancer
  project         = var.project_id
  name            = local.prefix
  default_service = google_compute_backend_service.service["console"].id
  host_rule {
    hosts        = [var.load_balancer.domain]
    path_matcher = "signalbox"
  }
  path_matcher {
    name            = "signalbox"
    default_service = google_compute_backend_service.service["console"].id
    path_rule {
      paths   = [local.services["webhook"].path]
      service = google_compute_backend_service.service["webhook"].id
    }
    path_rule {
      paths   = ["/v1/*", "/api/*"]
      service = google_compute_backend_service.service["api"].id
    }
  }
}

resource "google_compute_managed_ssl_certificate" "front" {
  count   = local._balancer
  project = var.project_id
  name    = local.prefix
  managed {
    domains = [var.load_balancer.domain]
  }
}

resource "google_compute_ssl_policy" "front" {
  count           = local._balancer
  project         = var.project_id
  name            = local.prefix
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"
}

resource "google_compute_target_https_proxy" "front" {
  count            = local._balancer
  project          = var.project_id
  name             = local.prefix
  url_map          = google_compute_url_map.front[0].id
  ssl_certificates = [google_compute_managed_ssl_certificate.front[0].id]
  ssl_policy       = google_compute_ssl_policy.front[0].id
}

resource "google_compute_global_forwarding_rule" "front" {
  count                 = local._balancer
  project               = var.project_id
  name                  = local.prefix
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.front[0].id
  port_range            = "443"
  target                = google_compute_target_https_proxy.front[0].id
}
