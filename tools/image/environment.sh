#!/bin/sh
# Makes the image's virtual environment: environment.sh SOURCE TARGET. Versions and hashes are those of requirements.txt.
set -eu
source=$1 target=$2
python3 -m venv "$target"
"$target/bin/python" -m pip install --quiet --no-cache-dir --no-compile uv
"$target/bin/python" -m uv pip install --quiet --no-cache --constraint "$source/requirements.txt" "$source[serve,heic]"
packages=$("$target/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
# What only exports of models, lint of templates and tests use; onnxruntime's library for programs in C, which its Python
# module holds once more; boto3's descriptions of services that the code does not use, nor moto where it stands in for them.
"$target/bin/python" -m uv pip uninstall --quiet sympy mpmath cfn-lint networkx uv pip
cd "$packages"
rm -rf onnxruntime/quantization onnxruntime/tools onnxruntime/transformers onnxruntime/capi/libonnxruntime.so.*
services=" apigateway cloudformation cloudwatch dynamodb events iam kms lambda logs s3 sagemaker sagemaker-runtime \
  scheduler secretsmanager service-quotas sqs stepfunctions sts "
for folder in botocore/data/*/; do
  case "$services" in *" $(basename "$folder") "*) ;; *) rm -rf "$folder" ;; esac
done
find . -type d -name tests -prune -exec rm -rf {} +
"$target/bin/python" -m compileall -q --invalidation-mode unchecked-hash .
