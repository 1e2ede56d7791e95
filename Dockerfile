# SPDX-License-Identifier: MIT OR Apache-2.0
# A container in which the two commands of the README run:
#
#   docker build -t tlbi-bench . && docker run --rm tlbi-bench make run
#   docker run --rm tlbi-bench make test
FROM rust:1-slim-bookworm
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates gcc git libc6-dev make qemu-system-arm \
    && rm -rf /var/lib/apt/lists/*
RUN rustup target add aarch64-unknown-none && rustup component add clippy rustfmt
COPY . /src
WORKDIR /src
RUN make image
CMD ["make", "run"]
