variable "accelerator" {
  description = "Accelerator type, or empty for a pool without one."
  type        = string
  default     = ""
}

variable "machine_type" {
  description = "Compute Engine machine type."
  type        = string
}

variable "max_node_count" {
  description = "Upper limit of the autoscaler."
  type        = number
}

variable "name" {
  description = "Name of the pool without the prefix."
  type        = string
}

variable "prefix" {
  description = "Prefix of every name."
  type        = string
}

variable "spot" {
  description = "Whether nodes are Spot VMs."
  type        = bool
  default     = false
}
