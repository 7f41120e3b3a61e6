"""What the tests ask the server through boto3, which shares nothing with the sink.

usage: s3.py COMMAND BUCKET [ARGUMENT...]; endpoint and key pair in S3_ENDPOINT, S3_ACCESS_KEY, S3_SECRET_KEY.
Prints one JSON value a line.
"""
import base64, gzip, json, os, sys, time
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

common = dict(
    endpoint_url=os.environ["S3_ENDPOINT"],
    aws_access_key_id=os.environ["S3_ACCESS_KEY"],
    aws_secret_access_key=os.environ["S3_SECRET_KEY"],
    region_name="us-east-1",
    config=Config(s3={"addressing_style": "path"}),
)
s3 = boto3.client("s3", **common)
command, bucket, *rest = sys.argv[1:]


def say(value):
    print(json.dumps(value, default=str))


def pages(operation, field, prefix):
    for page in s3.get_paginator(operation).paginate(Bucket=bucket, Prefix=prefix):
        yield from page.get(field, [])


if command == "read":
    # Bodies in the order of their keys, unpacked where the standard library can.
    for found in pages("list_objects_v2", "Contents", rest[0]):
        body = s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read()
        body = gzip.decompress(body) if found["Key"].endswith(".gz") else body
        say([found["Key"], base64.b64encode(body).decode()])
elif command == "versions":
    for found in pages("list_object_versions", "Versions", rest[0]):
        head = s3.head_object(
            Bucket=bucket, Key=found["Key"], VersionId=found["VersionId"], ChecksumMode="ENABLED"
        )
        until = head.get("ObjectLockRetainUntilDate")
        say({
            "key": found["Key"],
            "version": found["VersionId"],
            "type": head["ContentType"],
            "encoding": head.get("ContentEncoding"),
            "sha256": head.get("ChecksumSHA256"),
            "metadata": head["Metadata"],
            "lock": head.get("ObjectLockMode"),
            "until": until and int(until.timestamp()),
        })
elif command in ("delete", "put", "create", "drop", "shorten"):
    try:
        if command == "delete":
            s3.delete_object(Bucket=bucket, Key=rest[0], VersionId=rest[1])
        elif command == "put":
            s3.put_object(Bucket=bucket, Key=rest[0], Body=rest[1].encode())
        elif command == "create":
            s3.create_bucket(Bucket=bucket)
        elif command == "drop":
            for found in pages("list_object_versions", "Versions", ""):
                s3.delete_object(Bucket=bucket, Key=found["Key"], VersionId=found["VersionId"])
            s3.delete_bucket(Bucket=bucket)
        elif command == "shorten":
            soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60))
            s3.put_object_retention(
                Bucket=bucket, Key=rest[0], VersionId=rest[1],
                Retention={"Mode": rest[2], "RetainUntilDate": soon},
            )
        say("done")
    except ClientError as error:
        say("{Code}: {Message}".format(**error.response["Error"]))
elif command == "create-locked":
    s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
elif command == "lock-by-default":
    retention = {"Mode": rest[0], "Days": int(rest[1])}
    configuration = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}}
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=configuration)
elif command == "set-lifecycle":
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": json.loads(rest[0])})
elif command == "lifecycle":
    try:
        for rule in s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]:
            say(rule)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchLifecycleConfiguration":
            raise
elif command == "expires":
    # What the server says by which rule the object goes.
    say(s3.head_object(Bucket=bucket, Key=rest[0]).get("Expiration"))
elif command == "hide":
    # What is deleted without naming a version is there still, and not seen.
    s3.delete_object(Bucket=bucket, Key=rest[0])
elif command == "hold":
    s3.put_object_legal_hold(Bucket=bucket, Key=rest[0], VersionId=rest[1], LegalHold={"Status": rest[2]})
elif command == "holds":
    for found in pages("list_object_versions", "Versions", rest[0]):
        at = dict(Bucket=bucket, Key=found["Key"], VersionId=found["VersionId"])
        try:
            say([found["Key"], found["VersionId"], s3.get_object_legal_hold(**at)["LegalHold"]["Status"]])
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchObjectLockConfiguration":
                raise
            say([found["Key"], found["VersionId"], "OFF"])
elif command == "session":
    # Credentials that may do no more than the policy says.
    answer = boto3.client("sts", **common).assume_role(
        RoleArn="arn:aws:iam::000000000000:role/test", RoleSessionName="test", Policy=rest[0]
    )
    credentials = answer["Credentials"]
    say([credentials[k] for k in ("AccessKeyId", "SecretAccessKey", "SessionToken")])
elif command == "time-put":
    # The seconds that putting a file takes, each time under another key.
    body = open(rest[1], "rb").read()
    for round in range(int(rest[2])):
        began = time.perf_counter()
        data = gzip.compress(body, int(rest[3]), mtime=0) if len(rest) > 3 else body
        s3.put_object(Bucket=bucket, Key=f"{rest[0]}{round}", Body=data, ChecksumAlgorithm="SHA256")
        say(time.perf_counter() - began)
else:
    sys.exit(f"unknown command {command}")
