"""A local S3 server (moto's, in a process of its own) that asks for a key."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from xpoll_dagster_tests.compute.ray_nodes import free_port

REGION = "us-east-1"


class S3Server:
    """The server, a bucket, and a user with a key who may do everything in it."""

    bucket = "library"

    def __init__(self) -> None:
        self.endpoint = f"http://127.0.0.1:{free_port()}"
        host, _, port = self.endpoint.removeprefix("http://").partition(":")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", host, "-p", port],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"AWS_DEFAULT_REGION": REGION},
        )
        self._wait()
        self.key, self.secret = "", ""
        self._client("s3", "any", "any").create_bucket(Bucket=self.bucket)
        iam = self._client("iam", "any", "any")
        iam.create_user(UserName="xpoll")
        said = iam.create_access_key(UserName="xpoll")["AccessKey"]
        self.key, self.secret = said["AccessKeyId"], said["SecretAccessKey"]
        allowed = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
        iam.put_user_policy(
            UserName="xpoll",
            PolicyName="all",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
        )
        self._ask_for_keys()

    def _wait(self) -> None:
        deadline = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(f"{self.endpoint}/moto-api/", timeout=5).close()
                return
            except urllib.error.HTTPError:
                return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                assert self._process.poll() is None, "the S3 server ended"
                assert time.monotonic() < deadline, "the S3 server did not come up"
                time.sleep(0.2)

    def _ask_for_keys(self) -> None:
        """From now on nobody without a right key gets an answer."""
        request = urllib.request.Request(
            f"{self.endpoint}/moto-api/reset-auth",
            data=b"0",
            headers={"Content-Type": "application/text"},
        )
        urllib.request.urlopen(request, timeout=30).close()

    def _client(self, service: str, key: str, secret: str) -> Any:
        import boto3

        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            region_name=REGION,
        )

    @property
    def s3(self) -> Any:
        return self._client("s3", self.key, self.secret)

    def environment(self) -> dict[str, str]:
        """What a machine needs to reach the bucket."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def objects(self, prefix: str) -> dict[str, bytes]:
        """Names and content of all objects below a prefix."""
        found = {}
        for page in self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=prefix
        ):
            for entry in page.get("Contents", []):
                body = self.s3.get_object(Bucket=self.bucket, Key=entry["Key"])["Body"]
                found[entry["Key"]] = body.read()
        return found

    def names(self, prefix: str) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def put(self, key: str, content: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=content)

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(30)


@contextlib.contextmanager
def running_server() -> Iterator[S3Server]:
    for package in ("s3fs", "moto", "flask", "boto3"):
        pytest.importorskip(package, reason=f"{package} is not installed")
    server = S3Server()
    try:
        yield server
    finally:
        server.stop()
