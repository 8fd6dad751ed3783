variable "account" {
  description = "E-mail address of the identity that the service runs as."
  type        = string
}

variable "audience" {
  description = "What tokens for this service must name, besides its URL. It stays when the URL changes."
  type        = string
}

variable "binary_authorization" {
  description = "Whether only images that the project's policy admits may run."
  type        = bool
  default     = true
}

variable "concurrency" {
  description = "Requests that one instance handles at a time."
  type        = number
}

variable "cpu" {
  description = "Processors of an instance."
  type        = string
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to delete the service."
  type        = bool
  default     = true
}

variable "entry" {
  description = "Argument of the image: which service it is."
  type        = string
}

variable "env" {
  description = "Variables of the environment. No secret: those are read from Secret Manager by name."
  type        = map(string)
}

variable "iap" {
  description = "Whether Identity-Aware Proxy stands before the service."
  type        = bool
  default     = false
}

variable "image" {
  description = "The image of all services, by digest."
  type        = string
}

variable "ingress" {
  description = "INGRESS_TRAFFIC_ALL, INGRESS_TRAFFIC_INTERNAL_ONLY or INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER."
  type        = string
  default     = "INGRESS_TRAFFIC_INTERNAL_ONLY"
}

variable "instances_max" {
  description = "Most instances: what is more is answered with 429, and Pub/Sub slows down."
  type        = number
}

variable "instances_min" {
  description = "Instances that are kept although nothing calls."
  type        = number
}

variable "invokers" {
  description = "Who may call: a name for the plan → IAM member."
  type        = map(string)
}

variable "labels" {
  description = "Labels of the service."
  type        = map(string)
  default     = {}
}

variable "memory" {
  description = "Memory of an instance."
  type        = string
}

variable "name" {
  description = "Name of the Cloud Run service."
  type        = string
}

variable "network" {
  description = "Network and subnetwork through which requests to private addresses go; null for none."
  type        = object({ network = string, subnetwork = string })
  default     = null
}

variable "notification_channels" {
  description = "Who hears of alerts."
  type        = list(string)
  default     = []
}

variable "project_id" {
  description = "Project of the service."
  type        = string
}

variable "region" {
  description = "Region of the service."
  type        = string
}

variable "timeout_seconds" {
  description = "How long one request may take. Below the acknowledgement deadline of Pub/Sub, so that our own deadline speaks first."
  type        = number
  validation {
    condition     = var.timeout_seconds < 60
    error_message = "timeout_seconds must be below 60, the acknowledgement deadline of the subscriptions."
  }
}
