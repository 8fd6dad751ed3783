variables {
  prefix         = "signalbox-dev"
  project_id     = "example-dev"
  project_number = "123456789012"
  region         = "us-central1"
}

run "derives_names_filters_and_pairs" {
  command = plan

  assert {
    condition     = length(output.services) == 9
    error_message = "The topology was not read."
  }
  assert {
    condition     = alltrue([for each in output.subscriptions : length(each.filter) <= 256 && length(each.filter) > 0])
    error_message = "No filter is empty or longer than Pub/Sub takes."
  }
  assert {
    condition = alltrue(flatten([
      for name, service in output.services : [
        for type in service.subscribes : strcontains(output.subscriptions[name].filter, "\"${split(".", type)[0]}.\"")
      ]
    ]))
    error_message = "Every type that a service asks for passes its filter."
  }
  assert {
    condition     = output.deployments["provisioner"].url == "https://signalbox-dev-provisioner-123456789012.us-central1.run.app"
    error_message = "URLs are those that Cloud Run gives."
  }
  assert {
    condition     = keys({ for key, each in output.invokers : key => each if each.caller == "everybody" }) == ["webhook<everybody"]
    error_message = "Only the webhook is open to everybody."
  }
  assert {
    condition     = alltrue([for each in output.schedules : contains(keys(output.invokers), "${each.service}<scheduler") && each.audience == output.deployments[each.service].audience])
    error_message = "The clock may call what it has to, and says for whom its token is."
  }
  assert {
    condition     = toset([for key, each in output.schedules : each.uri if each.service == "relay"]) == toset(["https://signalbox-dev-relay-123456789012.us-central1.run.app/reconcile", "https://signalbox-dev-relay-123456789012.us-central1.run.app/redeliveries"])
    error_message = "Each path of a service has its schedule."
  }
  assert {
    condition     = alltrue([for key, each in output.deployments : each.ingress == "INGRESS_TRAFFIC_INTERNAL_ONLY" if each.door == "pushes"])
    error_message = "What Pub/Sub pushes to is internal."
  }
  assert {
    condition     = output.jobs["rebuild-views"].name == "signalbox-dev-rebuild-views" && output.jobs["rebuild-views"].program == "/app/tasks/rebuild-views.js"
    error_message = "A job has the name and the program of its entry."
  }
  assert {
    condition     = alltrue([for name in keys(output.jobs) : contains(output.accounts, name) && output.email[name] == "signalbox-dev-${name}@example-dev.iam.gserviceaccount.com"])
    error_message = "A job has an identity of its own."
  }
  assert {
    condition     = alltrue([for name in keys(output.jobs) : !anytrue([for each in output.invokers : each.deployment == name || each.caller == name]) && !anytrue([for each in output.schedules : each.service == name])])
    error_message = "A job is called by nobody, calls nobody, and no schedule starts it."
  }
  assert {
    condition     = alltrue([for account in output.accounts : length("signalbox-dev-${account}") <= 30])
    error_message = "Names of service accounts end at 30 characters."
  }
}

run "refuses_a_role_that_nobody_defined" {
  command = plan
  variables {
    file = "tests/unknown-role.yaml"
  }
  expect_failures = [output.grants]
}

run "refuses_a_filter_that_pubsub_would_not_take" {
  command = plan
  variables {
    file = "tests/long-filter.yaml"
  }
  expect_failures = [output.subscriptions]
}

run "names_each_family_once_in_order" {
  command = plan
  variables {
    file = "tests/two-families.yaml"
  }
  assert {
    condition     = output.subscriptions["one"].filter == "hasPrefix(attributes.type,\"plan.\") OR hasPrefix(attributes.type,\"stack.\")"
    error_message = "A filter names the families of what the service asks for."
  }
}

run "refuses_a_role_of_a_job_that_nobody_defined" {
  command = plan
  variables {
    file = "tests/job-unknown-role.yaml"
  }
  expect_failures = [output.grants]
}

run "refuses_a_job_with_the_name_of_a_service" {
  command = plan
  variables {
    file = "tests/job-named-as-service.yaml"
  }
  expect_failures = [output.jobs]
}

run "refuses_a_job_longer_than_a_day" {
  command = plan
  variables {
    file = "tests/job-too-long.yaml"
  }
  expect_failures = [output.jobs]
}

run "refuses_a_job_that_is_tried_more_often_than_cloud_run_does" {
  command = plan
  variables {
    file = "tests/job-too-often.yaml"
  }
  expect_failures = [output.jobs]
}

run "refuses_a_job_of_a_size_that_is_none" {
  command = plan
  variables {
    file = "tests/job-of-no-size.yaml"
  }
  expect_failures = [output.jobs]
}

run "refuses_a_service_with_the_name_of_the_pipeline_of_models" {
  command = plan
  variables {
    file = "tests/service-named-backends.yaml"
  }
  expect_failures = [output.deployments]
}

run "refuses_a_name_that_leaves_no_room_for_one_of_a_rollout" {
  command = plan
  variables {
    file = "tests/service-too-long.yaml"
  }
  expect_failures = [output.deployments, output.accounts]
}
