domain                 = "example.com"
feature_store_password = "example-only-not-a-secret"
