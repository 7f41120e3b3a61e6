"""Makes a log group or says how long one keeps events, as an AWS SDK that is not ours does it.

retention.py ENDPOINT ACCESS_KEY_ID SECRET LOG_GROUP create [DAYS]
retention.py ENDPOINT ACCESS_KEY_ID SECRET LOG_GROUP show

`show` prints the days, or `None`.
"""

import sys

import boto3

endpoint, key, secret, group, command, *days = sys.argv[1:]
logs = boto3.client(
    "logs", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key=secret
)
if command == "create":
    # Its neighbours' names begin as its own does.
    for name in (group, group + "-b", group + "/a"):
        logs.create_log_group(logGroupName=name)
        logs.put_retention_policy(logGroupName=name, retentionInDays=5)
    if days:
        logs.put_retention_policy(logGroupName=group, retentionInDays=int(days[0]))
    else:
        logs.delete_retention_policy(logGroupName=group)
else:
    for found in logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        print(found["logGroupName"].removeprefix(group) or ".", found.get("retentionInDays"))
