# `cutline serve` and the library, without an AWS account:
#   docker build -t cutline .
#   docker run --rm --read-only --tmpfs /tmp:exec -p 127.0.0.1:3000:3000 cutline
#   docker run --rm -v "$PWD:/pictures" cutline cut photo.jpg
# linux/amd64 and linux/arm64. tools/image/measure.sh builds the same root file system without Docker.
FROM debian:trixie-slim AS build
COPY . /src
RUN /src/tools/image/packages.sh python3 python3-venv ca-certificates \
 && /src/tools/image/environment.sh /src /opt/cutline

FROM debian:trixie-slim
COPY tools/image/packages.sh /tmp/
RUN /tmp/packages.sh python3 && rm /tmp/packages.sh \
 && useradd --system --uid 65532 --no-create-home cutline && mkdir /pictures
COPY --from=build /opt/cutline /opt/cutline
# Modules are compiled into the image; root's files stay as they are under --read-only.
ENV PATH=/opt/cutline/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 ORT_DISABLE_TELEMETRY=1 HOME=/tmp
USER 65532
WORKDIR /pictures
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
  CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:3000/health', timeout=4)"]
ENTRYPOINT ["cutline"]
CMD ["serve", "--host", "0.0.0.0", "--state", "/tmp/cutline"]
