# syntax=docker/dockerfile:1
# `node scripts/image.ts` runs these steps without a container engine, and measures the result.

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY . .
RUN npm ci --no-audit --no-fund
RUN cp node_modules/node/bin/node /usr/local/bin/node-pinned
RUN npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM debian:bookworm-slim
RUN groupadd --system --gid 10001 snapgate \
  && useradd --system --uid 10001 --gid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin snapgate \
  && install -d -o snapgate -g snapgate -m 0700 /data
COPY --from=build /usr/local/bin/node-pinned /usr/local/bin/node
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/prisma ./prisma
COPY --from=build /app/src ./src
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4000 DATA_DIR=/data DEMO=false REQUIRE_CREDENTIALS=true
USER 10001:10001
VOLUME /data
EXPOSE 4000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/livez`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--import", "./src/compile-cache.ts", "src/main.ts"]
