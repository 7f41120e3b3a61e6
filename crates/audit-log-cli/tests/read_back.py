"""Prints what arrived at a place, one record a line, without any code of ours.

usage: read_back.py s3 ENDPOINT ACCESS_KEY SECRET_KEY BUCKET PREFIX
       read_back.py cloudwatch ENDPOINT GROUP STREAM
       read_back.py syslog FILE APP_NAME
       read_back.py webhook FILE PATH
"""
import gzip
import json
import sys


def s3(endpoint, access_key, secret_key, bucket, prefix):
    import boto3
    client = boto3.client("s3", endpoint_url=endpoint, aws_access_key_id=access_key,
                          aws_secret_access_key=secret_key, region_name="us-east-1")
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for key in sorted(item["Key"] for page in pages for item in page.get("Contents", [])):
        body = client.get_object(Bucket=bucket, Key=key)["Body"].read()
        yield from gzip.decompress(body).splitlines()


def cloudwatch(endpoint, group, stream):
    import boto3
    client = boto3.client("logs", endpoint_url=endpoint, aws_access_key_id="any",
                          aws_secret_access_key="any", region_name="us-east-1")
    token = {}
    while True:
        page = client.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True, **token)
        yield from (event["message"].encode() for event in page["events"])
        if token.get("nextToken") == page["nextForwardToken"]:
            return
        token = {"nextToken": page["nextForwardToken"]}


def syslog(path, app_name):
    with open(path, "rb") as lines:
        for line in lines:
            # A server that was killed leaves a part of a line, and the next one stands behind it.
            for part in line.split(b'{"input":')[1:]:
                if app_name.encode() in part:
                    try:
                        yield json.loads(b'{"input":' + part)["msg"].encode()
                    except json.JSONDecodeError:
                        pass


def webhook(path, where):
    with open(path, "rb") as lines:
        for line in lines:
            if where.encode() in line:
                request = json.loads(line)
                assert request["signature"] == "valid", request["signature"]
                yield from request["body"].encode().splitlines()


places = {"s3": s3, "cloudwatch": cloudwatch, "syslog": syslog, "webhook": webhook}
for record in places[sys.argv[1]](*sys.argv[2:]):
    sys.stdout.buffer.write(record + b"\n")
