# What each word under `roles:` in services.yaml means: an IAM role on one thing. Words that are not here are refused.
#   scope: database | topic | bucket | pipeline | project | build (to act as a build identity) | dead-letters
#   A role that begins with "custom:" is one of ours, in control-plane/custom-roles.tf.
locals {
  _grants_of = {
    ledger-reader       = [{ scope = "database", target = "", role = "roles/datastore.viewer" }]
    ledger-writer       = [{ scope = "database", target = "", role = "custom:ledgerWriter" }]
    facts-publisher     = [{ scope = "topic", target = "facts", role = "roles/pubsub.publisher" }]
    dead-letters-reader = [{ scope = "dead-letters", target = "", role = "roles/pubsub.subscriber" }]

    receipts-writer  = [{ scope = "bucket", target = "receipts", role = "roles/storage.objectCreator" }]
    receipts-reader  = [{ scope = "bucket", target = "receipts", role = "roles/storage.objectViewer" }]
    plans-writer     = [for role in ["objectViewer", "objectCreator"] : { scope = "bucket", target = "plans", role = "roles/storage.${role}" }]
    builds-reader    = [{ scope = "bucket", target = "fences", role = "roles/storage.objectViewer" }]
    builds-shared    = [for role in ["objectViewer", "objectCreator"] : { scope = "bucket", target = "fences", role = "roles/storage.${role}" }]
    artifacts-reader = [{ scope = "bucket", target = "artifacts", role = "roles/storage.objectViewer" }]

    builds-starter = [
      { scope = "project", target = "", role = "custom:buildStarter" },
      { scope = "build", target = "tf-plan", role = "roles/iam.serviceAccountUser" },
      { scope = "build", target = "tf-apply", role = "roles/iam.serviceAccountUser" },
    ]
    digests-starter = [
      { scope = "project", target = "", role = "custom:buildStarter" },
      { scope = "build", target = "digest", role = "roles/iam.serviceAccountUser" },
      { scope = "bucket", target = "digests", role = "roles/storage.objectViewer" },
      { scope = "bucket", target = "digests", role = "roles/storage.objectCreator" },
    ]
    releases-creator = [
      { scope = "pipeline", target = "backends", role = "custom:releaseCreator" },
      { scope = "build", target = "deploy", role = "roles/iam.serviceAccountUser" },
      # It also writes its bundles and records below releases/: a condition in control-plane/buckets.tf.
      { scope = "bucket", target = "artifacts", role = "roles/storage.objectViewer" },
    ]

    executions-starter = [{ scope = "project", target = "", role = "roles/workflows.invoker" }]
    executions-reader  = [{ scope = "project", target = "", role = "roles/workflows.viewer" }]
    cluster-user       = [{ scope = "project", target = "", role = "custom:clusterUser" }]
    metrics-reader     = [{ scope = "project", target = "", role = "roles/monitoring.viewer" }]
  }

  _roles        = merge({ for name, service in local.services : name => service.roles }, { for name, job in local.jobs : name => job.roles })
  unknown_roles = distinct(flatten([for roles in local._roles : [for word in roles : word if !contains(keys(local._grants_of), word)]]))

  _grants = concat(
    flatten([
      for name, roles in local._roles : [for word in roles : [for grant in try(local._grants_of[word], []) : merge(grant, { account = name })]]
    ]),
    flatten([
      for name, service in local.services : concat(
        [for secret in service.secrets : { account = name, scope = "secret", target = secret, role = "roles/secretmanager.secretAccessor" }],
        # Every program writes its log by printing; traces need a permission of their own, and a job makes none.
        [{ account = name, scope = "project", target = "", role = "roles/cloudtrace.agent" }],
      )
    ]),
  )

  # "account:scope/target=role": what a service or a job may do, once.
  grants = {
    for grant in local._grants :
    "${grant.account}:${grant.scope}/${grant.target}=${trimprefix(grant.role, "roles/")}" => grant...
  }
}
