environment = "dev"
protected   = false
teams       = { default = {} }
