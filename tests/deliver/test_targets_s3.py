"""S3 by presigned URLs: made with boto3, against moto's server."""

from __future__ import annotations

import hashlib
import random
import socket
import sys
import threading
import uuid
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from collector.deliver.send import send
from collector.deliver.spool import bundle_info
from collector.deliver.targets import target_for
from collector.deliver.targets.s3 import S3Target
from collector.deliver.targets.store import Answer
from collector.errors import DeliveryError
from collector.model import BundleInfo
from tests.deliver.cutting import cutting

if sys.platform == "win32":
    pytest.skip("moto runs on the system of the checkout", allow_module_level=True)


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    """A client of moto's server."""
    import boto3
    from botocore.config import Config
    from moto.server import ThreadedMotoServer

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="AKIAEXAMPLE",
        aws_secret_access_key="secret",
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    yield client
    client.close()
    server.stop()


@pytest.fixture
def bucket(s3: Any) -> str:
    name = f"bundles-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


def bundle(folder: Path, seed: int = 1) -> BundleInfo:
    file = folder / f"{seed:016x}.zip"
    file.write_bytes(random.Random(seed).randbytes(200_000))
    return bundle_info(file)


def presigned(s3: Any, bucket: str, **more: Any) -> str:
    url: str = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "site/web 12.zip"}, **more)
    return url


def quick(one: BundleInfo, url: str):
    return send(one, target_for(url, None), deadline_seconds=20, sleep=lambda _: None, chance=lambda: 0.0)


def stored(s3: Any, bucket: str) -> bytes:
    body: bytes = s3.get_object(Bucket=bucket, Key="site/web 12.zip")["Body"].read()
    return body


def test_boto_reads_what_was_sent(s3: Any, bucket: str, tmp_path: Path):
    one, url = bundle(tmp_path), presigned(s3, bucket)
    delivery = quick(one, url)
    assert delivery.state == "delivered"
    assert delivery.received is not None
    assert delivery.target == url.partition("?")[0]
    assert stored(s3, bucket) == one.path.read_bytes()
    assert s3.head_object(Bucket=bucket, Key="site/web 12.zip")["ContentType"] == "application/zip"


def test_sent_twice_is_stored_once(s3: Any, bucket: str, tmp_path: Path):
    one, url = bundle(tmp_path), presigned(s3, bucket)
    assert quick(one, url).state == quick(one, url).state == "delivered"
    assert stored(s3, bucket) == one.path.read_bytes()


def test_a_second_bundle_does_not_take_the_first_ones_place(s3: Any, bucket: str, tmp_path: Path):
    first, second, url = bundle(tmp_path), bundle(tmp_path, 2), presigned(s3, bucket)
    quick(first, url)
    with pytest.raises(DeliveryError, match="another object exists already") as error:
        quick(second, url)
    assert not error.value.retry
    assert "takes one bundle" in error.value.hint
    assert stored(s3, bucket) == first.path.read_bytes()


def test_a_lost_answer_is_found_to_be_delivered(s3: Any, bucket: str, tmp_path: Path):
    one = bundle(tmp_path)
    with cutting(s3.meta.endpoint_url) as proxy:
        proxy.cut_answers = True
        url = presigned(s3, bucket).replace(s3.meta.endpoint_url, proxy.url)
        assert quick(one, url).state == "delivered"
    assert stored(s3, bucket) == one.path.read_bytes()


def test_a_broken_link_leaves_nothing_and_is_tried_again(s3: Any, bucket: str, tmp_path: Path):
    one = bundle(tmp_path)
    with cutting(s3.meta.endpoint_url) as proxy:
        url = presigned(s3, bucket).replace(s3.meta.endpoint_url, proxy.url)
        proxy.cut_after = 100_000
        with pytest.raises(DeliveryError, match="broke") as error:
            target_for(url, None).put(one, 10)
        assert error.value.retry
        proxy.cut_after = None
        assert quick(one, url).state == "delivered"
    assert stored(s3, bucket) == one.path.read_bytes()


def test_no_such_bucket(s3: Any, tmp_path: Path):
    with pytest.raises(DeliveryError, match="no such bucket") as error:
        quick(bundle(tmp_path), presigned(s3, "no-such-bucket-at-all"))
    assert not error.value.retry


def test_a_bundle_that_changed_on_the_disk_is_not_sent(s3: Any, bucket: str, tmp_path: Path):
    one = bundle(tmp_path)
    one.path.write_bytes(b"x")
    with pytest.raises(DeliveryError, match="has changed"):
        quick(one, presigned(s3, bucket))
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


# ---- what moto does not check --------------------------------------------------------------------------

HOUR_AGO = "X-Amz-Date=20261126T060000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=S3cr"
DATE = "Thu, 26 Nov 2026 08:00:00 GMT"


@pytest.mark.parametrize(
    ("status", "code", "query", "says", "retry"),
    [
        (403, "AccessDenied", HOUR_AGO, "it expired at 2026-11-26 07:00 UTC", False),
        (403, "AccessDenied", "AWSAccessKeyId=A&Signature=S3cr&Expires=1795676400", "it expired at 2026-11-26 07:00 UTC", False),
        (403, "AccessDenied", HOUR_AGO.replace("3600", "36000"), "whoever signed the URL may not write", False),
        (403, "SignatureDoesNotMatch", HOUR_AGO, "signature does not match", False),
        (400, "BadDigest", HOUR_AGO, "400 BadDigest", True),
        (409, "ConditionalRequestConflict", HOUR_AGO, "409 ConditionalRequestConflict", True),
        (503, "SlowDown", HOUR_AGO, "503 SlowDown", True),
        (307, "TemporaryRedirect", HOUR_AGO, "redirects", False),
    ],
)  # fmt: skip
def test_a_refusal_says_what_to_do(status: int, code: str, query: str, says: str, retry: bool):
    target = S3Target(f"https://b.s3.amazonaws.com/a.zip?{query}")
    error = target._refusal(Answer(status, {"Date": DATE}, code, b""))
    assert says in str(error)
    assert error.retry == retry
    assert "S3cr" not in f"{error} {error.hint} {target.name}"


def answering(etag: str, **headers: str) -> tuple[str, socket.socket]:
    """A server that answers one request, whatever it was sent."""
    listener = socket.create_server(("127.0.0.1", 0))
    lines = [f'ETag: "{etag}"', *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as stream:
            length = 0
            while (line := stream.readline().strip()) != b"":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            stream.read(length)
            date = datetime.now(timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
            head = "\r\n".join(["HTTP/1.1 200 OK", "Content-Length: 0", "Connection: close", f"Date: {date}", *lines])
            connection.sendall(head.encode() + b"\r\n\r\n")

    threading.Thread(target=serve, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}/b/a.zip?X-Amz-Signature=S3cr", listener


def test_an_answer_with_another_hash_is_no_receipt(tmp_path: Path):
    one = bundle(tmp_path)
    url, listener = answering("0" * 32)
    with listener, pytest.raises(DeliveryError, match="another hash"):
        target_for(url, None).put(one, 5)


def test_an_object_encrypted_with_a_key_of_kms_has_another_etag(tmp_path: Path):
    one = bundle(tmp_path)
    assert hashlib.md5(one.path.read_bytes()).hexdigest() != "0" * 32
    url, listener = answering("0" * 32, x_amz_server_side_encryption="aws:kms")
    with listener:
        assert target_for(url, None).put(one, 5).state == "delivered"
