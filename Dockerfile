# Two images, for processors of the machine that builds:
#
#   docker build --tag audit-log:0.1.0 .                             # static, on nothing: all but Kafka
#   docker build --tag audit-log:0.1.0 --target with-kafka .         # on Debian: librdkafka and OpenSSL are C
#
# FEATURES chooses the places that the program can send to: --build-arg FEATURES=s3,webhook

ARG RUST=1.95


FROM rust:${RUST}-alpine AS build-static
ARG FEATURES=cloudwatch,email,http,oidc,pagerduty,s3,slack,sso,syslog,webhook
WORKDIR /source
COPY . .
# On Alpine the target is musl, and what it links is static.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,id=target-static,target=/source/target,sharing=locked \
    cargo build --locked --release --package audit-log-cli --bin audit-log --features "${FEATURES}" \
    && install -D target/release/audit-log /image/audit-log \
    && install -d /image/var/lib/audit-log /image/run/audit-log \
    && echo 'audit-log:x:10001:10001::/var/lib/audit-log:/sbin/nologin' > /image/passwd


FROM rust:${RUST}-slim-bookworm AS build-with-kafka
ARG FEATURES=full
# Debian's stable release keeps one version of each of these.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libssl-dev make pkg-config zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,id=target-with-kafka,target=/source/target,sharing=locked \
    cargo build --locked --release --package audit-log-cli --bin audit-log --features "${FEATURES}" \
    && install -D target/release/audit-log /image/audit-log \
    && install -d /image/var/lib/audit-log /image/run/audit-log


FROM debian:bookworm-slim AS with-kafka
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libssl3 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/audit-log audit-log
LABEL org.opencontainers.image.title="audit-log" \
      org.opencontainers.image.description="Audit events that can't be lost, can't be quietly changed, and arrive" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="0.1.0"
COPY --from=build-with-kafka /image/audit-log /audit-log
COPY --from=build-with-kafka --chown=10001:10001 --chmod=0700 /image/var/lib/audit-log /var/lib/audit-log
COPY --from=build-with-kafka --chown=10001:10001 --chmod=0750 /image/run/audit-log /run/audit-log
USER 10001:10001
VOLUME ["/var/lib/audit-log"]
EXPOSE 8400 9400
STOPSIGNAL SIGTERM
ENTRYPOINT ["/audit-log"]
CMD ["run", "--config", "/etc/audit-log/config/audit.yaml"]


FROM scratch AS static
LABEL org.opencontainers.image.title="audit-log" \
      org.opencontainers.image.description="Audit events that can't be lost, can't be quietly changed, and arrive" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="0.1.0"
COPY --from=build-static /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build-static /image/passwd /etc/passwd
COPY --from=build-static /image/audit-log /audit-log
COPY --from=build-static --chown=10001:10001 --chmod=0700 /image/var/lib/audit-log /var/lib/audit-log
COPY --from=build-static --chown=10001:10001 --chmod=0750 /image/run/audit-log /run/audit-log
USER 10001:10001
VOLUME ["/var/lib/audit-log"]
EXPOSE 8400 9400
STOPSIGNAL SIGTERM
ENTRYPOINT ["/audit-log"]
CMD ["run", "--config", "/etc/audit-log/config/audit.yaml"]
