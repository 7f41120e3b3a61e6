//! The role's credentials come from STS, wherever the bucket is, and sign the put.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod answers;

use std::process::Command;
use std::thread;

use audit_sink::{Sink, testkit};
use audit_sink_s3::{S3Options, S3Sink};

use answers::Answers;

/// As <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html> shows it.
const ASSUMED: &str = r#"<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/audit/audit-log</Arn><AssumedRoleId>ARO123EXAMPLE123:audit-log</AssumedRoleId></AssumedRoleUser>
<Credentials><AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId><SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY</SecretAccessKey><SessionToken>AQoDYXdzEPT</SessionToken><Expiration>2126-11-09T13:34:41Z</Expiration></Credentials>
</AssumeRoleResult></AssumeRoleResponse>"#;

#[test]
fn at_sts_and_not_at_the_endpoint() {
    let (sts, s3) = (Answers::listen(), Answers::listen());
    let endpoints = [sts.endpoint(), s3.endpoint()];
    let servers = thread::spawn(move || {
        let asked = sts.give(&[("200 OK", "", ASSUMED)]);
        let put = ("200 OK", "ETag: \"99914b932bd37a50b983c5e7c90ae93b\"\r\n", "");
        // Who only writes may not look: nothing is wrong with the credentials, and the role is not assumed again.
        let (taken, hidden) = (("412 Precondition Failed", "", ""), ("403 Forbidden", "", ""));
        (asked, s3.give(&[put, taken, hidden, put, put]))
    });
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "in_its_own_process", "--ignored"])
        .env("AWS_ENDPOINT_URL_STS", &endpoints[0])
        .env("ENDPOINT", &endpoints[1])
        .status()
        .unwrap();
    assert!(status.success());
    let (asked, put) = servers.join().unwrap();
    assert!(asked[0].contains("Action=AssumeRole") && asked[0].contains("role%2Faudit"), "{}", asked[0]);
    assert!(put[0].contains("Credential=ASIAIOSFODNN7EXAMPLE/"), "{}", put[0]);
    assert!(put[0].contains("x-amz-security-token: AQoDYXdzEPT"), "{}", put[0]);
}

/// `AWS_ENDPOINT_URL_STS` is read from the environment, which is a process's.
#[test]
#[ignore = "run by the other test"]
fn in_its_own_process() {
    let options = S3Options::new("audit")
        .endpoint(std::env::var("ENDPOINT").unwrap())
        .credentials("id", "hush".into())
        .role_arn("arn:aws:iam::123456789012:role/audit");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let batch = testkit::batch(1, &[b"{}".to_vec()]);
    let mut sink = S3Sink::new(options);
    for _ in 0..3 {
        runtime.block_on(sink.send(&batch)).map(drop).unwrap();
    }
}
