variable "administrators" {
  description = "Who may administer the buckets, as IAM members, whoever applies this among them: owners of the project are not let in. Nobody else but the services reads plans and states."
  type        = list(string)
  validation {
    condition     = length(var.administrators) > 0
    error_message = "Name at least whoever applies this, such as group:platform@example.com: otherwise nobody can read or change the buckets again."
  }
}

variable "alert_emails" {
  description = "Who hears of alerts. Without anybody there are none."
  type        = list(string)
  default     = []
}

variable "artifact_readers" {
  description = "Who else reads artifacts of models, such as the node identity of the cluster."
  type        = list(string)
  default     = []
}

variable "artifact_writers" {
  description = "Who uploads artifacts of models, such as the identity of training jobs."
  type        = list(string)
  default     = []
}

variable "attestors" {
  description = "Attestors without which no image runs. Empty: every image of our repository runs, and no other."
  type        = list(string)
  default     = []
}

variable "backend_port" {
  description = "Port of the Services that backends are: what the manifests of your models say."
  type        = number
  default     = 80
}

variable "build_image" {
  description = "Image of builds (Terraform and the build program), by digest."
  type        = string
  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.build_image))
    error_message = "build_image must be named by its digest (…@sha256:…), so that nobody can put another one under its tag."
  }
}

variable "build_trigger" {
  description = "What starts cloudbuild.yaml: our own repository at a connection of Cloud Build (projects/P/locations/R/connections/C/repositories/N, in this region), its branch, and base images by digest (_NODE_IMAGE, _BASE_IMAGE, _TERRAFORM_IMAGE). Null: a person does."
  type = object({
    repository  = string
    branch      = optional(string, "^main$")
    base_images = optional(map(string), {})
  })
  default = null
  validation {
    condition     = var.build_trigger == null || can(regex("^projects/[^/]+/locations/${var.region}/connections/[^/]+/repositories/[^/]+$", var.build_trigger.repository))
    error_message = "build_trigger.repository must look like projects/P/locations/${var.region}/connections/C/repositories/N: a trigger and its connection are in one region."
  }
  validation {
    condition     = var.build_trigger == null || can(regex("^\\^.+\\$$", var.build_trigger.branch))
    error_message = "build_trigger.branch must begin with ^ and end with $: it is searched for, so that main alone would also be found in not-main, and whoever may push there would release."
  }
  validation {
    condition     = var.build_trigger == null || alltrue([for name, image in try(var.build_trigger.base_images, {}) : contains(["_NODE_IMAGE", "_BASE_IMAGE", "_TERRAFORM_IMAGE"], name) && can(regex("@sha256:[0-9a-f]{64}$", image))])
    error_message = "build_trigger.base_images must be _NODE_IMAGE, _BASE_IMAGE or _TERRAFORM_IMAGE, each by its digest (…@sha256:…)."
  }
}

variable "cluster" {
  description = "The cluster of models: projects/P/locations/L/clusters/C, an output of ../platform. Null before there is one."
  type        = string
  default     = null
  validation {
    condition     = var.cluster == null || can(regex("^projects/[^/]+/locations/[^/]+/clusters/[^/]+$", var.cluster))
    error_message = "cluster must look like projects/P/locations/L/clusters/C."
  }
}

variable "cluster_images" {
  description = "Images besides ours that may run in that cluster, as patterns of Binary Authorization (`*` stands for no slash): Ray, its operator, Kueue, and the servers of your models."
  type        = list(string)
  default     = ["docker.io/rayproject/*", "quay.io/kuberay/*", "registry.k8s.io/kueue/*"]
}

variable "cluster_endpoint" {
  description = "DNS-based endpoint of that cluster, an output of ../platform. Services are told it, so that a rollback asks no API of Google for it."
  type        = string
  default     = null
  validation {
    condition     = (var.cluster == null) == (var.cluster_endpoint == null)
    error_message = "cluster and cluster_endpoint belong together: both are outputs of ../platform."
  }
  validation {
    condition     = var.cluster_endpoint == null || can(regex("^[a-z0-9.-]+\\.gke\\.goog$", var.cluster_endpoint))
    error_message = "cluster_endpoint must be a name below gke.goog, without https://."
  }
}

variable "database" {
  description = "Name of the database; null: that of the installation, such as signalbox-prod. Another one is a database that was put back from a backup."
  type        = string
  default     = null
  validation {
    condition     = var.database == null || can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", var.database))
    error_message = "database must be 4 to 63 lower-case letters, digits and dashes, and begin with a letter; the default database is not ours."
  }
}

variable "environment" {
  description = "Name of the environment; one project and one state for each."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,5}$", var.environment))
    error_message = "environment must be 2 to 6 lower-case letters and digits, such as dev or prod."
  }
}

variable "event_publishers" {
  description = "Who may publish events from outside, as IAM members."
  type        = list(string)
  default     = []
}

variable "events_path" {
  description = "Path of the API that Pub/Sub pushes outside events to."
  type        = string
  default     = "/v1/events:push"
}

variable "firestore_location" {
  description = "Location of the database; it can never be changed."
  type        = string
}

variable "gateway" {
  description = "The Gateway that all endpoints are reached through, as NAMESPACE/NAME: deploy/kubernetes/gateway.yaml."
  type        = string
  default     = "signalbox-gateways/models"
  validation {
    condition     = can(regex("^[a-z0-9-]+/[a-z0-9-]+$", var.gateway))
    error_message = "gateway must look like NAMESPACE/NAME."
  }
}

variable "github_repository_ids" {
  description = "Numbers of the repositories whose workflows may register models. Empty: no federation."
  type        = list(string)
  default     = []
}

variable "image" {
  description = "Image of all services, by digest."
  type        = string
  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "image must be named by its digest (…@sha256:…), so that nobody can put another one under its tag."
  }
}

variable "instances_min" {
  description = "Cloud Run service → instances kept warm. Each costs about $10 a month."
  type        = map(number)
  default     = {}
}

variable "kms_key" {
  description = "Key of Cloud KMS for the buckets; Google's own when null."
  type        = string
  default     = null
}

variable "load_balancer" {
  description = "Domain of an external load balancer before console, api and webhook; none when null. About $18 a month."
  type        = object({ domain = string })
  default     = null
}

variable "name" {
  description = "First part of every name."
  type        = string
  default     = "signalbox"
  validation {
    condition     = can(regex("^[a-z][a-z0-9]{2,9}$", var.name))
    error_message = "name must be 3 to 10 lower-case letters and digits: names of service accounts end at 30."
  }
}

variable "people" {
  description = "Who may reach console and API, as IAM members (group:…). What they may do there their role in Signalbox says."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for member in var.people : !contains(["allUsers", "allAuthenticatedUsers"], member)])
    error_message = "people must be named: allUsers and allAuthenticatedUsers would open the console to the world."
  }
}

variable "plan_roles" {
  description = "What tf-plan may do in the target projects: reading, and no secrets."
  type        = list(string)
  default     = ["roles/viewer"]
  validation {
    condition     = alltrue([for role in var.plan_roles : can(regex("[vV]iewer|[rR]eader|securityReviewer", role)) && !strcontains(role, "secret")])
    error_message = "plan_roles must be viewers and readers, none of secrets: a plan runs code of a pull request."
  }
}

variable "programs" {
  description = "Which programs may reach the API, as IAM members; a federated workflow is principalSet://…"
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for member in var.programs : !contains(["allUsers", "allAuthenticatedUsers"], member)])
    error_message = "programs must be named: allUsers and allAuthenticatedUsers would open the API to the world."
  }
}

variable "project_id" {
  description = "Project of the control plane."
  type        = string
}

variable "protected" {
  description = "Whether what holds memory can be deleted only after this was turned off: database, secrets, services, workflows."
  type        = bool
  default     = true
}

variable "region" {
  description = "Region of everything."
  type        = string
  default     = "us-central1"
}

variable "signing" {
  description = "A key and an attestor of our own for the images of cloudbuild.yaml; none when null. `enforced` refuses what they did not sign: first sign what runs."
  type        = object({ enforced = optional(bool, false) })
  default     = null
}

variable "runs" {
  description = "Where Ray jobs run in the cluster: their namespace (deploy/kubernetes/runs.yaml), the LocalQueue of Kueue that admits them (null: none does), and the rayClusterSpec of KubeRay that each gets a cluster of."
  type = object({
    namespace   = optional(string, "signalbox-runs")
    queue       = optional(string)
    ray_cluster = optional(any)
  })
  default = {}
  validation {
    condition     = var.runs.ray_cluster == null || can(var.runs.ray_cluster.headGroupSpec.template)
    error_message = "runs.ray_cluster must be a rayClusterSpec: it needs a headGroupSpec with a template."
  }
}

variable "target_projects" {
  description = "Projects that applies change → roles of tf-apply there."
  type        = map(object({ roles = list(string) }))
  default     = {}
  validation {
    condition     = alltrue(flatten([for target in var.target_projects : [for role in target.roles : role != "roles/owner"]]))
    error_message = "tf-apply must not be owner: name the roles that your stacks need."
  }
}

variable "worker_pool" {
  description = "Private pool of builds; the default pool when null. egress: none (Google's APIs only) or nat (the code host and registries too)."
  type = object({
    cidr         = optional(string, "10.60.0.0/24")
    egress       = optional(string, "none")
    machine_type = optional(string, "e2-standard-2")
  })
  default = null
  validation {
    condition     = var.worker_pool == null || contains(["none", "nat"], try(var.worker_pool.egress, "none"))
    error_message = "worker_pool.egress must be none or nat."
  }
}
