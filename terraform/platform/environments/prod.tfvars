environment = "prod"
protected   = true
teams       = { default = {} }
