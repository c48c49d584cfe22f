# `edgemnist serve` as an image:   docker build -t edgemnist-serve .
#     docker run --rm -p 8000:8000 -v "$PWD/artifacts/model_int8.tflite:/models/digits.tflite:ro" edgemnist-serve digits=/models/digits.tflite
FROM python:3.11-slim

# The C compiler is for int8 models, which run as generated C; without it they run in an interpreter.
# Debian keeps only the newest version of a package, so that one written down here would soon not be had.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/* \
  && useradd --system --create-home server

WORKDIR /opt/edgemnist
COPY scripts/locked/serve.txt scripts/locked/serve.txt
RUN pip install --no-cache-dir --only-binary=:all: --require-hashes --requirement scripts/locked/serve.txt
COPY pyproject.toml setup.py README.md LICENSE ./
COPY edgemnist edgemnist
COPY firmware firmware
RUN pip install --no-cache-dir --no-deps --no-build-isolation .

USER server
WORKDIR /models
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=2)"]
ENTRYPOINT ["edgemnist", "serve", "--host", "0.0.0.0", "--port", "8000"]
CMD ["model=/models"]
