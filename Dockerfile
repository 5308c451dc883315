# One image for every program: writer, distributor, watch, heartbeat, trigger, gateway, operator.
# `command: ["node", "/app/writer.mjs"]` says which. It holds Node, its libraries and the bundled code, nothing else:
# no shell, no package manager. See docs/kubernetes.md for building and loading it.
ARG NODE_IMAGE=docker.io/library/node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /src
# The packages first: they change less often than the code.
COPY package.json package-lock.json .npmrc ./
COPY client/protocol/package.json client/protocol/
COPY client/objects/package.json client/objects/
COPY client/package.json client/
COPY client/gateway/package.json client/gateway/
COPY functions/package.json functions/
COPY operator/package.json operator/
COPY test/package.json test/
# esbuild and the dependencies need no scripts of their own; the Node that npm could install is here already.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN node --conditions=source operator/images/bundle.ts /app

# Node as the base image has it, with the shared libraries that it loads.
FROM ${NODE_IMAGE} AS root
RUN mkdir -p /root-fs/usr/local/bin /root-fs/etc /root-fs/tmp /root-fs/home/node \
 && chmod 1777 /root-fs/tmp && chown 1000:1000 /root-fs/home/node \
 && cp "$(command -v node)" /root-fs/usr/local/bin/node \
 && ldd /root-fs/usr/local/bin/node | grep -o '/[^ ]*' | xargs -I{} cp -L --parents {} /root-fs \
 && printf 'root:x:0:0::/:\nnode:x:1000:1000::/home/node:\n' >/root-fs/etc/passwd \
 && printf 'root:x:0:\nnode:x:1000:\n' >/root-fs/etc/group \
 && printf 'hosts: files dns\n' >/root-fs/etc/nsswitch.conf

# What V8 compiles at the start of each program is kept in the image. Its directory names the user, hence USER.
FROM ${NODE_IMAGE} AS warm
COPY --from=build /app /app
COPY operator/images/warm.mjs /warm.mjs
RUN mkdir /app/compile-cache && chown 1000:1000 /app/compile-cache
USER 1000:1000
ENV NODE_COMPILE_CACHE=/app/compile-cache
RUN node /warm.mjs /app

FROM scratch
COPY --from=root /root-fs /
COPY --from=warm /app /app
ENV PATH=/usr/local/bin \
    HOME=/home/node \
    NODE_ENV=production \
    NODE_COMPILE_CACHE=/app/compile-cache
USER 1000:1000
WORKDIR /app
CMD ["node", "/app/operator.mjs", "--help"]
