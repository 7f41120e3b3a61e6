//! Which certificates match which rules, and how their owners are called.
#![cfg(feature = "certificates")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use audit_access::{Access, Caller, CertificateRule, Denial, Presented, Role};
use audit_model::Timestamp;
use proptest::prelude::*;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType};

fn certificate(subject: &[(DnType, &str)], names: Vec<SanType>) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    for (attribute, value) in subject {
        params.distinguished_name.push(attribute.clone(), *value);
    }
    params.subject_alt_names = names;
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

fn orders() -> Vec<u8> {
    let names = vec![
        SanType::DnsName("orders.internal".try_into().unwrap()),
        SanType::DnsName("*.wild.internal".try_into().unwrap()),
        SanType::URI("spiffe://shop/orders".try_into().unwrap()),
        SanType::Rfc822Name("Orders@shop.example".try_into().unwrap()),
    ];
    let unit = DnType::OrganizationalUnitName;
    certificate(
        &[(DnType::OrganizationName, "Shop, Inc."), (unit, "eu"), (DnType::CommonName, "orders")],
        names,
    )
}

fn subject(text: &str) -> CertificateRule {
    CertificateRule::subject(text, [Role::Ingest]).unwrap()
}

fn show(rules: impl IntoIterator<Item = CertificateRule>, certificate: &[u8]) -> Result<Caller, Denial> {
    let now = Timestamp::from_milliseconds(1_790_000_000_000).unwrap();
    Access::default().certificates(rules).identify(&Presented::default().certificate(Some(certificate)), now)
}

const ORDERS: &str = r"certificate:CN=orders,OU=eu,O=Shop\, Inc.";

#[test]
fn a_subject_matches_by_the_attributes_that_are_named() {
    for rule in
        ["CN=orders", "cn = orders", r"O=Shop\, Inc.,CN=orders", r"O=Shop\2C Inc.", "2.5.4.3=orders", "OU=eu"]
    {
        assert_eq!(show([subject(rule)], &orders()), Ok(Caller::new(ORDERS, [Role::Ingest])), "{rule}");
    }
    for rule in [
        "CN=Orders",
        "CN=order",
        "CN=orders2",
        "CN=orders,O=Shop",
        "CN=orders,L=Berlin",
        "CN=orders,CN=other",
        "O=orders",
    ] {
        let denied =
            Denial::Unauthenticated { reason: "unknown_certificate", claimed: Some(ORDERS.to_owned()) };
        assert_eq!(show([subject(rule)], &orders()), Err(denied), "{rule}");
    }
    let alone = certificate(&[(DnType::CommonName, "orders")], vec![]);
    assert_eq!(show([subject("CN=orders")], &alone).unwrap().identity, "certificate:CN=orders");
}

#[test]
fn a_value_cannot_pass_for_another_attribute() {
    for (value, identity) in [
        ("orders,O=Shop", r"certificate:CN=orders\,O\=Shop"),
        ("#ab", r"certificate:CN=\#ab"),
        (" x ", r"certificate:CN=\ x\ "),
        ("a\nb", r"certificate:CN=a\0Ab"),
        (r"a\b", r"certificate:CN=a\\b"),
    ] {
        // An equals sign need not be escaped (RFC 4514 §2.4).
        let identity = identity.replace(r"\=", "=");
        let claimed = match show([subject("CN=orders")], &certificate(&[(DnType::CommonName, value)], vec![]))
        {
            Err(Denial::Unauthenticated { reason: "unknown_certificate", claimed }) => claimed.unwrap(),
            other => panic!("{other:?}"),
        };
        assert_eq!(claimed, identity);
        let written = claimed.strip_prefix("certificate:").unwrap();
        let same = show([subject(written)], &certificate(&[(DnType::CommonName, value)], vec![]));
        assert!(same.is_ok(), "{written} reads back");
    }
}

#[test]
fn an_alternative_name_matches_as_a_whole() {
    let rule = |name| CertificateRule::alternative_name(name, [Role::Read]).unwrap();
    for name in ["orders.internal", "ORDERS.internal", "spiffe://shop/orders", "Orders@shop.example"] {
        assert_eq!(show([rule(name)], &orders()), Ok(Caller::new(ORDERS, [Role::Read])), "{name}");
    }
    for name in ["internal", "a.wild.internal", "spiffe://shop/Orders", "orders@shop.example", "orders"] {
        assert!(show([rule(name)], &orders()).is_err(), "{name}");
    }
    let nameless = certificate(&[], vec![SanType::DnsName("orders.internal".try_into().unwrap())]);
    assert_eq!(show([rule("orders.internal")], &nameless).unwrap().identity, "certificate:orders.internal");
}

#[test]
fn several_rules_add_up_and_none_say_nothing() {
    let read = CertificateRule::alternative_name("orders.internal", [Role::Read]).unwrap();
    let caller = show([subject("CN=orders"), read, subject("CN=x")], &orders()).unwrap();
    assert_eq!(caller.roles.into_iter().collect::<Vec<_>>(), [Role::Ingest, Role::Read]);
    assert_eq!(show([], &orders()), Err(Denial::NoCredentials));
    let access = Access::default().certificates([subject("CN=orders")]);
    let certificate = orders();
    let both = Presented::default().certificate(Some(&certificate)).bearer(Some("wrong"));
    assert!(access.identify(&both, Timestamp::from_milliseconds(0).unwrap()).is_err(), "the token decides");
}

#[test]
fn rules_that_make_no_sense_are_refused() {
    for (text, says) in [
        ("", "an attribute has no `=`"),
        ("orders", "an attribute has no `=`"),
        ("CN=", "`CN` is empty"),
        ("CN=a,,O=b", "an attribute has no `=`"),
        ("CNN=orders", "did you mean `CN`?"),
        (r"CN=a\", "escapes nothing"),
        (r"CN=a\xb", "escapes nothing"),
    ] {
        let error = CertificateRule::subject(text, []).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    for text in ["", "*.internal", "a b"] {
        assert!(CertificateRule::alternative_name(text, []).is_err());
    }
}

#[test]
fn one_that_was_cut_or_has_more_behind_it_is_refused() {
    let whole = orders();
    for cut in 0..whole.len() {
        assert!(show([subject("CN=orders")], &whole[..cut]).is_err(), "cut at {cut}");
    }
    let more = [&whole[..], b"x"].concat();
    assert!(show([subject("CN=orders")], &more).is_err());
    assert!(show([subject("CN=orders")], &vec![0x30; 1 << 20]).is_err());
}

proptest! {
    #[test]
    fn any_bytes_and_any_rule_are_read_without_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0..400usize, text in "\\PC{0,40}"
    ) {
        let mut changed = orders();
        for (offset, byte) in bytes.iter().enumerate() {
            if let Some(place) = changed.get_mut(at + offset) {
                *place ^= byte;
            }
        }
        let _ = show([subject("CN=orders")], &changed);
        let _ = show([subject("CN=orders")], &bytes);
        let _ = CertificateRule::subject(&text, []);
    }
}
