//! Whatever is thrown at it: an answer, and soon.

#![allow(clippy::unwrap_used, reason = "a test that fails there fails")]

use audit_config::parse;
use proptest::prelude::*;

fn message(text: &str) -> String {
    parse("audit.yaml", text, &|_| None).unwrap_err().to_string()
}

#[test]
fn nesting_is_bounded() {
    for text in [
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "- ".repeat(100_000),
        (0..5_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).take(1_000).collect(),
        "a: &a [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n\
         b: &b [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[*a]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n"
            .to_owned(),
    ] {
        let message = message(&text);
        assert!(message.contains("nest") || message.contains("recursion"), "{message}");
    }
}

#[test]
fn aliases_are_bounded() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..20 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    assert!(message(&bomb).contains("more than 50000 values"));
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), vec!["*a"; 9000].join(", "));
    assert!(message(&long).contains("aliases written out"), "texts that are repeated count by their length");
    assert!(message("a: &a [*a]").contains("alias inside the node"));
    // Anchors as such are fine.
    let text = "x: &s [backup.*]\nenterprise: {audit: {events: *s, exclude_events: *s}}";
    assert_eq!(parse("a", text, &|_| None).unwrap().config.exclude_events.len(), 1);
}

#[test]
fn size_is_bounded() {
    assert!(message(&"#".repeat((1 << 20) + 1)).contains("expected at most 1048576"));
    assert!(message(&"- a\n".repeat(60_000)).contains("more than 50000 values"));
    assert!(message(&format!("{}: 1", "k".repeat(300))).contains("found a key of 300 bytes"));
    assert!(message(&"token".repeat(200_000)).contains("expected a mapping"));
    let long = "k".repeat(250);
    let deep: String = (0..60).map(|depth| format!("{}{long}:\n", " ".repeat(depth))).collect();
    let items = format!("{}- a\n", " ".repeat(60)).repeat(15_000);
    assert!(message(&format!("{deep}{items}")).contains("unknown key"));
    let keys: String = (0..40_000).map(|key| format!("k{key}: 1\n")).collect();
    assert!(message(&keys).contains("unknown key `k39999`"));
}

#[test]
fn odd_encodings_and_line_ends() {
    let text =
        "\u{feff}enterprise:\r\n  audit:\r\n    destination: {type: file, path: a}\r\n    evnts: [a]\r\n";
    assert!(
        message(text).starts_with("audit.yaml:4:5: enterprise.audit.evnts: unknown key"),
        "{}",
        message(text)
    );
    assert!(!message("\u{1b}[31mred: 1").contains('\u{1b}'));
    assert!(!message("\"\\e[31mred\": 1").contains('\u{1b}'));
}

/// The specification's blocks, to be cut up.
fn blocks() -> Vec<String> {
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data")).unwrap();
    files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect()
}

proptest! {
    #[test]
    fn any_text(text in "\\PC*") {
        let _ = parse("a", &text, &|_| Some(text.clone()));
    }

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse("a", &String::from_utf8_lossy(&bytes), &|_| None);
    }

    #[test]
    fn yaml_like_text(text in "([a-z]{0,3}|[\\[\\]{}:,&*!|>%@`'\"#\\-?$\n\t ]|: |- |\n  |data:|a.yaml:|type:|<<:|\\$\\{N\\}|---\n|[é\u{85}\u{2028}])*") {
        let _ = parse("a", &text, &|name| Some(name.to_owned()));
    }

    #[test]
    fn blocks_cut_and_joined(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        length in 0usize..40,
        instead in "[ -~\n\té]{0,20}",
    ) {
        let blocks = blocks();
        let mut chars: Vec<char> = which.get(&blocks).chars().collect();
        let start = at.index(chars.len());
        let end = chars.len().min(start + length);
        chars.splice(start..end, instead.chars());
        let text: String = chars.into_iter().collect();
        match parse("a", &text, &|_| Some("1".to_owned())) {
            Ok(parsed) => drop(parsed.config.show_yaml()),
            Err(errors) => prop_assert!(!errors.to_string().is_empty()),
        }
    }
}
