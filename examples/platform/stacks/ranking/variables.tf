variable "domain" {
  description = "Domain of the identity groups."
  type        = string
}

variable "feature_store_password" {
  description = "Password of the feature store. A real one comes from Secret Manager."
  type        = string
  sensitive   = true
}
