"""Prints the messages of a log stream, one a line, as an AWS SDK that is not ours reads them.

read_back.py ENDPOINT ACCESS_KEY_ID SECRET LOG_GROUP LOG_STREAM
"""

import sys

import boto3

endpoint, key, secret, group, stream = sys.argv[1:]
logs = boto3.client(
    "logs", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key=secret
)
token = {}
try:
    while True:
        page = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True, limit=1000, **token)
        for event in page["events"]:
            sys.stdout.buffer.write(event["message"].encode() + b"\n")
        # The end is where the token stays the same.
        if page["nextForwardToken"] == token.get("nextToken"):
            break
        token = {"nextToken": page["nextForwardToken"]}
except logs.exceptions.ResourceNotFoundException:
    pass
