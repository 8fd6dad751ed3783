#!/usr/bin/env bash
# Makes a release of every service in Cloud Deploy, and its rollout:
#   create-releases.sh RELEASE REGION IMAGE STAGING SOURCES
# SOURCES/<name> is the source of the release for the pipeline and the target <name>; gcloud lays it into STAGING (gs://bucket/folder).
# What is there already is left alone, so the same call again makes what is missing. One that fails does not keep the others from their
# image: services of two versions get along, and the fewer are left behind the better. The end says which, and fails.
set -uo pipefail

# Seconds of one call of gcloud; the first one of a release waits until Cloud Deploy has it, not until it is rendered.
readonly CALL_SECONDS_MAX=120

if [ $# -ne 5 ]; then
  echo "create-releases.sh takes RELEASE REGION IMAGE STAGING SOURCES, and got $# words." >&2
  exit 64
fi
readonly release=$1 region=$2 image=$3 staging=$4 sources=$5

deploy() { timeout "$CALL_SECONDS_MAX" gcloud deploy "$@" --region="$region" --quiet; }

release_service() {
  local name=$1 rollouts
  if ! deploy releases describe "$release" --delivery-pipeline="$name" --format='value(name)' > /dev/null 2>&1; then
    deploy releases create "$release" --delivery-pipeline="$name" --to-target="$name" \
      --source="$sources/$name" --skaffold-file=skaffold.yaml --gcs-source-staging-dir="$staging" --images="signalbox=$image"
    return
  fi
  rollouts=$(deploy rollouts list --release="$release" --delivery-pipeline="$name" --format='value(name)') || return
  if [ -n "$rollouts" ]; then
    echo "$name: $release is there already."
    return
  fi
  # A call before this one ended between the release and its rollout.
  deploy releases promote --release="$release" --delivery-pipeline="$name" --to-target="$name"
}

failed=()
released=0
for folder in "$sources"/*/; do
  name=$(basename "$folder")
  [ -f "$folder/skaffold.yaml" ] || continue
  if release_service "$name"; then released=$((released + 1)); else failed+=("$name"); fi
done

if [ ${#failed[@]} -gt 0 ]; then
  echo "$release was not made for ${#failed[@]} of $((released + ${#failed[@]})) services: ${failed[*]}. See above why, and run this again: what is there is left alone." >&2
  exit 1
fi
if [ "$released" -eq 0 ]; then
  echo "$sources holds no source of a release: nothing was released." >&2
  exit 1
fi
