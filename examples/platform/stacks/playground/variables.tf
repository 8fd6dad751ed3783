variable "prefix" {
  description = "Prefix of every name."
  type        = string
}

variable "subnets" {
  description = "Region to primary IP range."
  type        = map(string)
}
