variable "domain" {
  description = "Domain of the identity groups."
  type        = string
}

variable "quota" {
  description = "Hard limits of the namespace's resource quota."
  type        = map(string)
}

variable "team" {
  description = "Team and namespace name."
  type        = string
}
