# One database an installation: ledger, views, outbox, timers and receipts. Never the default one, so that a condition of IAM can name it.
# What is put back from a backup is a new database beside it, under another name: docs/deploy.md says how.
locals {
  database = coalesce(var.database, local.prefix)
  _indexes = yamldecode(file("${path.module}/../firestore-indexes.yaml"))
}

resource "google_firestore_database" "ledger" {
  project                           = var.project_id
  name                              = local.database
  location_id                       = var.firestore_location
  type                              = "FIRESTORE_NATIVE"
  concurrency_mode                  = "OPTIMISTIC"
  app_engine_integration_mode       = "DISABLED"
  point_in_time_recovery_enablement = var.protected ? "POINT_IN_TIME_RECOVERY_ENABLED" : "POINT_IN_TIME_RECOVERY_DISABLED"
  delete_protection_state           = var.protected ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"
  deletion_policy                   = var.protected ? "ABANDON" : "DELETE"
  depends_on                        = [google_project_service.api]
}

resource "google_firestore_backup_schedule" "daily" {
  count     = var.protected ? 1 : 0
  project   = var.project_id
  database  = google_firestore_database.ledger.name
  retention = "1209600s"
  daily_recurrence {}
}

resource "google_firestore_index" "index" {
  for_each = {
    for index in local._indexes.indexes :
    join("/", concat([index.collection], [for field in index.fields : "${field.path}:${try(field.order, field.array)}"])) => index
  }
  project     = var.project_id
  database    = google_firestore_database.ledger.name
  collection  = each.value.collection
  query_scope = try(each.value.scope, "COLLECTION")

  dynamic "fields" {
    for_each = each.value.fields
    content {
      field_path   = fields.value.path
      order        = try(fields.value.order, null)
      array_config = try(fields.value.array, null)
    }
  }
}

# Documents that end by themselves: what was published, what was decided long ago. The time to live is not itself indexed.
resource "google_firestore_field" "ttl" {
  for_each   = { for each in local._indexes.ttl : "${each.collection}.${each.field}" => each }
  project    = var.project_id
  database   = google_firestore_database.ledger.name
  collection = each.value.collection
  field      = each.value.field
  ttl_config {}
  index_config {}
}

# Fields that no query names: large texts and rising times would only cost writes.
resource "google_firestore_field" "unindexed" {
  for_each   = { for each in local._indexes.unindexed : "${each.collection}.${each.field}" => each }
  project    = var.project_id
  database   = google_firestore_database.ledger.name
  collection = each.value.collection
  field      = each.value.field
  index_config {}
}
