"""boto3 against the stack's STS: one line for each case."""
import json
import os
import sys

import boto3
import botocore
from botocore.config import Config
from botocore.exceptions import ClientError

client = boto3.client("sts", config=Config(signature_version=botocore.UNSIGNED, retries={"max_attempts": 1}))
sdk = f"boto3 {boto3.__version__}"
failed = False
for case, role, token, expected in json.loads(os.environ["TOKENS"]):
    try:
        answer = client.assume_role_with_web_identity(RoleArn=role, RoleSessionName="check", WebIdentityToken=token)
        raised = "-"
        code = "ok" if answer["Credentials"]["AccessKeyId"].startswith("ASIA") else "no credentials"
        assert answer["AssumedRoleUser"]["Arn"] == "arn:aws:sts::000000000000:assumed-role/deploy/check"
        assert answer["SubjectFromWebIdentityToken"] == "alice"
    except ClientError as error:
        raised, code = type(error).__name__, error.response["Error"]["Code"]
    verdict = "pass" if code == expected else f"FAIL ({code})"
    failed = failed or code != expected
    print(f"{sdk:<22} {case:<18} {expected:<26} {raised:<34} {verdict}")
sys.exit(failed)
