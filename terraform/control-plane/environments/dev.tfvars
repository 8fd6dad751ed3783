# A place to try things: nothing is protected, nothing is kept warm, builds run in the default pool.
environment        = "dev"
firestore_location = "us-central1"
protected          = false
