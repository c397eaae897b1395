# One image for both services: the API is its default command, docker-compose.yml starts the converter from it too.
# TypeScript runs as it is, so there is no build: the workspace keeps its shape, with production dependencies only.
ARG NODE_IMAGE=node:24-trixie-slim

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
# Every package.json of the workspace: a frozen lockfile must match all of them, also those that are not installed.
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml .npmrc ./
COPY packages/rpm-format/package.json packages/rpm-format/
COPY packages/conversion/package.json packages/conversion/
COPY services/api/package.json services/api/
COPY services/converter/package.json services/converter/
COPY test/package.json test/
COPY bench/package.json bench/
RUN --mount=type=cache,target=/root/.npm --mount=type=cache,target=/pnpm-store \
    npx pnpm@12 install --frozen-lockfile --prod --store-dir /pnpm-store --package-import-method copy --network-concurrency 8 \
        --filter '@diskful/api...' --filter '@diskful/converter...' \
    && rm -rf test bench

FROM ${NODE_IMAGE}
# The services need node alone: no package manager stays behind.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
        /usr/local/bin/yarn /usr/local/bin/yarnpkg /opt/yarn* \
    && mkdir -p /cache /state /clientpkgs \
    && chown 1000:1000 /cache /state
WORKDIR /app
COPY --from=dependencies /app ./
COPY package.json preflight.mjs start.ts LICENSE ./
COPY packages packages
COPY services services
ENV NODE_ENV=production HOST=0.0.0.0 CLIENTPKGS_DIR=/clientpkgs CACHE_DIR=/cache STATE_DIR=/state
USER 1000:1000
EXPOSE 8080
CMD ["node", "--max-semi-space-size=8", "--import", "./preflight.mjs", "services/api/src/main.ts"]
