"""`aws s3 cp FILE s3://BUCKET/KEY [--metadata a=b,c=d]`, for machines without AWS's own command line."""

import sys

import boto3

service, action, source, target, *options = sys.argv[1:]
assert (service, action) == ("s3", "cp")
assert options[:1] in ([], ["--metadata"])
metadata = dict(pair.split("=") for pair in options[1].split(",")) if options else {}
bucket, _, key = target.removeprefix("s3://").partition("/")
boto3.client("s3").upload_file(source, bucket, key, {"Metadata": metadata})
