"""Makes moto check signatures and permissions from now on; prints the key pair of a user who may use the logs.

demand_credentials.py ENDPOINT
"""

import json
import sys
import urllib.request

import boto3

[endpoint] = sys.argv[1:]
iam = boto3.client(
    "iam", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="any", aws_secret_access_key="any"
)
iam.create_user(UserName="audit-log")
allowed = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
policy = {"Version": "2012-10-17", "Statement": [allowed]}
iam.put_user_policy(UserName="audit-log", PolicyName="logs", PolicyDocument=json.dumps(policy))
pair = iam.create_access_key(UserName="audit-log")["AccessKey"]
# Not as a form, which is what urllib calls data otherwise.
kind = {"Content-Type": "application/octet-stream"}
urllib.request.urlopen(urllib.request.Request(f"{endpoint}/moto-api/reset-auth", data=b"0", headers=kind))
print(pair["AccessKeyId"], pair["SecretAccessKey"])
