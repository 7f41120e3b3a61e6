//! What a sink put, and what others put, listed and read.
#![cfg(feature = "read")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod answers;
mod server;

use audit_model::Timestamp;
use audit_sink::{Sink, SinkError, testkit};
use audit_sink_s3::{Compression, S3Options, S3Reader, S3Sink};

use answers::Answers;
use server::{Server, in_time, retryable, runtime, unique};

#[test]
fn what_a_sink_put_is_read_back() {
    let Some(server) = Server::find() else { return };
    let (runtime, prefix) = (runtime(), unique("read"));
    let options = server.options(&server.bucket, &prefix).compression(Compression::Zstd);
    let before = Timestamp::now().as_milliseconds();
    let mut sink = S3Sink::new(options.clone());
    let line = br#"{"event":"e"}"#.to_vec();
    runtime.block_on(in_time(sink.send(&testkit::batch(7, std::slice::from_ref(&line))))).map(drop).unwrap();

    let reader = S3Reader::new(options);
    let objects = runtime.block_on(in_time(reader.list(&prefix))).unwrap();
    let [object] = &objects[..] else { panic!("one object, not {objects:?}") };
    assert!(object.key.starts_with(&format!("{prefix}/chain=")) && object.key.ends_with(".ndjson.zst"));
    let age = object.last_modified.as_milliseconds() - before;
    assert!((-2000..60_000).contains(&age), "put {age} ms after the test began");
    let bytes = runtime.block_on(in_time(reader.get(&object.key))).unwrap();
    assert_eq!(u64::try_from(bytes.len()), Ok(object.bytes));
    assert_eq!(zstd::decode_all(&*bytes).unwrap(), [line.as_slice(), b"\n"].concat());
    assert_eq!(runtime.block_on(in_time(reader.list(&format!("{prefix}/none")))).unwrap(), []);
}

#[test]
fn a_list_has_all_its_pages() {
    let page = |keys: [&str; 2], rest: &str| {
        let object = |key| {
            format!(
                "<Contents><Key>{key}</Key><Size>3</Size><LastModified>2026-11-22T08:30:00.120Z</LastModified></Contents>"
            )
        };
        format!("<ListBucketResult>{}{rest}</ListBucketResult>", keys.map(object).concat())
    };
    let first = page(
        ["a", "b"],
        "<IsTruncated>true</IsTruncated><NextContinuationToken>t&amp;1</NextContinuationToken>",
    );
    let last = page(["c", "d"], "<IsTruncated>false</IsTruncated>");
    let server = Answers::listen();
    let options = S3Options::new("audit").endpoint(server.endpoint()).credentials("id", "hush".into());
    let thread = std::thread::spawn(move || server.give(&[("200 OK", "", &first), ("200 OK", "", &last)]));
    let objects = runtime().block_on(in_time(S3Reader::new(options).list("x y/"))).unwrap();
    let keys: Vec<&str> = objects.iter().map(|object| object.key.as_str()).collect();
    assert_eq!(keys, ["a", "b", "c", "d"]);
    assert_eq!(
        (objects[3].bytes, objects[3].last_modified.to_string()),
        (3, "2026-11-22T08:30:00.120Z".into())
    );
    let asked = thread.join().unwrap();
    assert!(
        asked[0].contains("prefix=x%20y%2F") && asked[1].contains("continuation-token=t%261"),
        "{asked:?}"
    );
}

/// What reading comes to with one answer.
fn answered(list: bool, answer: (&'static str, &'static str, &'static str)) -> Result<Vec<u8>, SinkError> {
    let server = Answers::listen();
    let options = S3Options::new("audit").endpoint(server.endpoint()).credentials("id", "hush".into());
    let thread = std::thread::spawn(move || server.give(&[answer]));
    let reader = S3Reader::new(options);
    let result = runtime().block_on(in_time(async {
        if list { reader.list("").await.map(|_| Vec::new()) } else { reader.get("a/b").await }
    }));
    thread.join().unwrap();
    result
}

#[test]
fn what_is_wrong_is_said() {
    const DENIED: (&str, &str, &str) =
        ("403 Forbidden", "", "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>");
    let error = retryable(answered(true, DENIED));
    assert_eq!(
        error,
        "ListObjectsV2 in the bucket audit: AccessDenied (403): Access Denied; grant s3:ListBucket"
    );
    let error = retryable(answered(false, DENIED));
    assert!(
        error.starts_with("GetObject of `a/b` in the bucket audit: ") && error.contains("grant s3:GetObject")
    );
    let archived = "<Error><Code>InvalidObjectState</Code><Message>Not valid</Message></Error>";
    assert!(retryable(answered(false, ("403 Forbidden", "", archived))).contains("restore it first"));
    // A server that is none of S3's, and an object that was damaged on its way.
    assert!(retryable(answered(true, ("404 Not Found", "", "<html>"))).contains("an S3 server"));
    let other = "x-amz-checksum-sha256: RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=\r\n";
    let error = retryable(answered(false, ("200 OK", other, "not that\n")));
    assert!(error.to_lowercase().contains("checksum"), "{error}");
}

#[test]
fn a_real_server_tells_what_is_not_there() {
    let Some(server) = Server::find() else { return };
    let (runtime, bucket) = (runtime(), unique("missing"));
    let reader = S3Reader::new(server.options(&bucket, ""));
    let error = retryable(runtime.block_on(in_time(reader.list(""))));
    assert!(error.contains("NoSuchBucket (404)") && error.contains("create the bucket, or correct its name"));
    let reader = S3Reader::new(server.options(&server.bucket, ""));
    match runtime.block_on(in_time(reader.get("no/such"))) {
        Err(SinkError::Rejected { source }) => assert!(source.to_string().contains("`no/such`"), "{source}"),
        other => panic!("{other:?}"),
    }
    let reader = S3Reader::new(server.options(&server.bucket, "").credentials("nobody", "hush".into()));
    let error = retryable(runtime.block_on(in_time(reader.list(""))));
    assert!(error.contains("correct the credentials"), "{error}");
}
