# One image for all services: the argument says which. Two targets:
#   services  every service; no shell, no package manager, no npm
#   builds    the build program with Terraform and Git, which Cloud Build runs as a step
# Everything else needs no install script, no write access to the root, and no root.
ARG NODE=docker.io/library/node:24.21.0-bookworm-slim
ARG BASE=gcr.io/distroless/cc-debian12:nonroot
ARG TERRAFORM=docker.io/hashicorp/terraform:1.11.4

FROM ${TERRAFORM} AS terraform

FROM ${NODE} AS code
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-progress
COPY tsconfig.json ./
COPY cli ./cli
COPY scripts ./scripts
COPY services ./services
COPY shared ./shared
COPY terraform/services.yaml ./terraform/services.yaml
COPY workflows ./workflows
RUN node scripts/image/build.ts /out
RUN npm sbom --package-lock-only --sbom-format=cyclonedx --omit=dev --omit=optional > /out/sbom.cdx.json
# Each service is started once, as the user that it runs as: what V8 compiles of it then is kept beside it.
RUN cp -r /out/services /app && mkdir /app/compiled && chown 65532:65532 /app/compiled
USER 65532:65532
RUN node scripts/image/warm.ts /app

FROM ${NODE} AS builds
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates git && rm -rf /var/lib/apt/lists/*
COPY --from=terraform /bin/terraform /usr/local/bin/terraform
COPY --from=code /out/builds /app
COPY --from=code /out/sbom.cdx.json /app/sbom.cdx.json
ENV NODE_ENV=production CHECKPOINT_DISABLE=1
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/node", "--disable-warning=ExperimentalWarning", "/app/build.js"]

# The last one is what a build without a target makes.
FROM ${BASE} AS services
COPY --from=code /usr/local/bin/node /nodejs/bin/node
COPY --from=code /app /app
COPY --from=code /out/sbom.cdx.json /app/sbom.cdx.json
ENV NODE_ENV=production
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/nodejs/bin/node", "--disable-warning=ExperimentalWarning", "/app/main.js"]
