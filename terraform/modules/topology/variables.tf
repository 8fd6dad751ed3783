variable "file" {
  description = "Path of the topology; the shipped one when null."
  type        = string
  default     = null
}

variable "prefix" {
  description = "First part of every name, such as signalbox-dev. It takes the place of random suffixes."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,16}[a-z0-9]$", var.prefix))
    error_message = "prefix must be 3 to 18 lower-case letters, digits and hyphens: names of service accounts end at 30."
  }
}

variable "project_id" {
  description = "Project that holds the control plane."
  type        = string
}

variable "project_number" {
  description = "Number of that project: it is part of the URLs of Cloud Run."
  type        = string
}

variable "region" {
  description = "Region of all services."
  type        = string
}
