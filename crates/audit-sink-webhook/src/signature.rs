use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The value of `X-Audit-Signature`: `t=<unix seconds>,v1=<lower-case hex>` of HMAC-SHA256 over `<unix seconds>.` and the
/// body exactly as it is sent, so compressed if it is.
///
/// The time is under the signature, so that a receiver can refuse an old request that somebody kept and sends again.
pub(crate) fn signature(secret: &str, unix_seconds: u64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(unix_seconds.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    format!("t={unix_seconds},v1={}", const_hex::encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::signature;

    #[test]
    fn it_is_what_openssl_reckons() {
        // printf '1700000000.{"a":1}\n' | openssl dgst -sha256 -hmac whsec_test
        assert_eq!(
            signature("whsec_test", 1_700_000_000, b"{\"a\":1}\n"),
            "t=1700000000,v1=b8174c16a346d9a23b88223fae375766c2aeb1e6da662427e304a11f020fb5aa"
        );
    }
}
