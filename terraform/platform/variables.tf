variable "admin_groups" {
  description = "Groups that administer the cluster through Kubernetes RBAC; the domain's gke-security-groups@ group must hold them."
  type        = object({ domain = string })
  default     = null
}


variable "config_sync" {
  description = "Repository of the cluster's configuration: an OCI image (oci://…) or a Git repository, and the folder in it. None when null."
  type = object({
    repository = string
    directory  = optional(string, ".")
    branch     = optional(string, "main")
  })
  default = null
}

variable "control_plane_accounts" {
  description = "E-mail addresses of the services that reach the cluster: output `identities` of ../control-plane (api, rollout, data, deploy)."
  type        = list(string)
  default     = []
}

variable "environment" {
  description = "Name of the environment."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,5}$", var.environment))
    error_message = "environment must be 2 to 6 lower-case letters and digits, such as dev or prod."
  }
}

variable "name" {
  description = "First part of every name."
  type        = string
  default     = "models"
}

variable "network" {
  description = "Address ranges of nodes, pods and services."
  type = object({
    nodes    = optional(string, "10.40.0.0/22")
    pods     = optional(string, "10.44.0.0/14")
    services = optional(string, "10.48.0.0/20")
    proxies  = optional(string, "10.49.0.0/23")
  })
  default = {}
}

variable "project_id" {
  description = "Project of the cluster."
  type        = string
}

variable "protected" {
  description = "Whether the cluster can be deleted only after this was turned off."
  type        = bool
  default     = true
}

variable "region" {
  description = "Region of the cluster."
  type        = string
  default     = "us-central1"
}

variable "teams" {
  description = "Team → its namespace's people (a group), and the buckets that its jobs read and write."
  type = map(object({
    group         = optional(string)
    read_buckets  = optional(list(string), [])
    write_buckets = optional(list(string), [])
  }))
  default = { default = {} }
  validation {
    condition     = alltrue([for team in keys(var.teams) : can(regex("^[a-z][a-z0-9-]{0,30}$", team))])
    error_message = "A team is named by lower-case letters, digits and hyphens: it is a namespace."
  }
}
