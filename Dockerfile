# The service as an image: Node.js, the dependencies of production, and the source, which runs as it is.
# Pin the base image by its digest as well in a pipeline of your own (node:<tag>@sha256:…).

FROM node:24.21.0-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# optional are the embedded PostgreSQL and the bundled Node.js of a checkout; the image needs neither
RUN npm ci --omit=dev --omit=optional --no-audit --no-fund && npm cache clean --force

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=3000 \
    NODE_COMPILE_CACHE=/var/cache/doorward
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY config ./config
COPY migrations ./migrations
COPY src ./src
RUN chmod 755 src/cli/doorward.ts \
    && ln -s /app/src/cli/doorward.ts /usr/local/bin/doorward \
    && install -d -o node -g node "$NODE_COMPILE_CACHE"

# by number, so that Kubernetes can see that it is not root; it is the user "node" of the base image
USER 1000:1000

# Compiles once, here, as the user who will run it: the cache belongs to a user, and is read-only later. It also proves
# that everything can be loaded.
RUN node --input-type=module --eval "await import('/app/src/app.ts'); await import('/app/config/load.ts')" \
    && doorward --help

EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "--eval", "fetch(`http://127.0.0.1:${process.env.PORT}/readyz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "src/main.ts"]
