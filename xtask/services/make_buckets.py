"""Makes a bucket, and one with Object Lock: make_buckets.py ENDPOINT ACCESS_KEY SECRET_KEY BUCKET LOCKED_BUCKET"""

import sys

import boto3

endpoint, access_key, secret_key, bucket, locked_bucket = sys.argv[1:]
s3 = boto3.client(
    "s3",
    endpoint_url=endpoint,
    aws_access_key_id=access_key,
    aws_secret_access_key=secret_key,
    region_name="us-east-1",
)
there = {entry["Name"] for entry in s3.list_buckets()["Buckets"]}
if bucket not in there:
    s3.create_bucket(Bucket=bucket)
if locked_bucket not in there:
    s3.create_bucket(Bucket=locked_bucket, ObjectLockEnabledForBucket=True)
