# The image of Parlor: one program and Debian's base system. Run it alone with a volume for its data, or many of them on
# one Redis (docker-compose.yml). Works with the classic builder and with BuildKit, so it uses nothing that only one has.

FROM rust:1.95-bookworm AS build
WORKDIR /source

# A layer of its own for everything that others wrote: the manifests with empty crates in place of ours. It is built anew
# only when a manifest, the lock file or .cargo changes.
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
COPY crates/bench/Cargo.toml crates/bench/
COPY crates/client/Cargo.toml crates/client/
COPY crates/core/Cargo.toml crates/core/
COPY crates/counts/Cargo.toml crates/counts/
COPY crates/process-testkit/Cargo.toml crates/process-testkit/
COPY crates/proto/Cargo.toml crates/proto/
COPY crates/proxy-header/Cargo.toml crates/proxy-header/
COPY crates/redis-models/Cargo.toml crates/redis-models/
COPY crates/redis-testkit/Cargo.toml crates/redis-testkit/
COPY crates/server/Cargo.toml crates/server/
COPY crates/settings/Cargo.toml crates/settings/
COPY crates/store/Cargo.toml crates/store/
COPY crates/testkit/Cargo.toml crates/testkit/
COPY crates/torture/Cargo.toml crates/torture/
COPY crates/web/Cargo.toml crates/web/
COPY crates/websocket/Cargo.toml crates/websocket/
COPY xtask/Cargo.toml xtask/
RUN for crate in crates/* xtask; do mkdir "$crate/src" && echo '//! Empty.' > "$crate/src/lib.rs"; done \
 && for crate in crates/bench crates/server xtask; do rm "$crate/src/lib.rs" && printf '//! Empty.\nfn main() {}\n' > "$crate/src/main.rs"; done \
 && mkdir crates/counts/benches && touch crates/counts/benches/paths.rs \
 && mkdir crates/server/tests && touch crates/server/tests/planted.rs \
 && cargo build --locked --release --package parlor

# What is copied may be older than what was just built, and cargo goes by times.
COPY crates crates
COPY xtask xtask
# The page, as it is built into the program.
COPY web/dist web/dist
RUN find crates xtask -name '*.rs' -exec touch {} + \
 && cargo build --locked --release --package parlor

FROM debian:bookworm-slim
ARG VERSION=dev
LABEL org.opencontainers.image.title="Parlor" \
      org.opencontainers.image.description="A self-hosted chat server: rooms, follow, TLS, one thread per client" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.licenses="Apache-2.0"

# A fixed id, so that volumes keep their owner over all versions of the image.
RUN groupadd --gid 7878 parlor \
 && useradd --uid 7878 --gid parlor --no-create-home --home-dir /var/lib/parlor --shell /usr/sbin/nologin parlor \
 && install --directory --owner parlor --group parlor --mode 0700 /var/lib/parlor /var/lib/parlor/tls
# Authorities of the public web, for a Redis behind TLS whose certificate they issued.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /source/target/release/parlor /usr/local/bin/

ENV PARLOR_DATA=/var/lib/parlor \
    PARLOR_LISTEN=0.0.0.0:7878
USER parlor
EXPOSE 7878
HEALTHCHECK --interval=5s --timeout=10s --start-period=10s --retries=3 CMD ["parlor", "check"]
# In exec form, the program is the first process of the container: signals reach it.
ENTRYPOINT ["parlor"]
CMD ["serve"]
