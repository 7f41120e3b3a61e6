//! What is rendered, whatever the template is given.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use audit_template::{Escape, MAX_OUTPUT_BYTES, Shape, Template};
use proptest::prelude::*;
use serde_json::{Value, json};

fn render(text: &str, dot: &Value) -> String {
    Template::parse(text, &Shape::any()).unwrap().render(dot, Escape::None)
}

#[test]
fn what_is_missing_is_nothing_and_in_comparisons_absent() {
    let dot = json!({"null": null, "zero": 0, "list": [1, [2]], "text": "x", "big": 1_500_000.0, "whole": 3.0, "huge": 1e300});
    for (text, expected) in [
        ("[{{ .a }}{{ .a.b.c }}{{ .text.x }}{{ .null }}{{ .list.x }}]", "[]"),
        (
            "{{ eq .a .b }} {{ eq .null .null }} {{ eq .a \"\" }} {{ ne .a \"x\" }} {{ ne .a .a }}",
            "false false false true true",
        ),
        ("{{ if 0.0 }}x{{ end }}{{ if 0.5 }}y{{ end }}{{ not .whole }}", "yfalse"),
        ("{{ lt .a 1 }} {{ le .a 1 }} {{ gt .a 1 }} {{ ge .a 1 }}", "false false false false"),
        (
            "{{ eq .zero \"0\" }} {{ eq .zero 0.0 }} {{ lt .zero \"1\" }} {{ eq .list .list }}",
            "false true false false",
        ),
        (
            "{{ len .a }} {{ len .zero }} [{{ index .a \"x\" 1 }}] {{ index .list 1 0 }} [{{ index .list 9 }}]",
            "0 0 [] 2 []",
        ),
        (
            "{{ .big }} {{ .whole }} {{ .huge }} {{ printf \"%d %v\" .big .whole }}",
            "1500000 3 1e+300 1500000 3",
        ),
        ("[{{ printf \"%s%d\" .a .b }}] {{ printf \"%d|%f|%q\" .text .text .zero }}", "[] x|x|\"0\""),
        (
            "{{ range .text }}x{{ else }}-{{ end }}{{ range .zero }}x{{ else }}-{{ end }}{{ range .a }}x{{ else }}-{{ end }}",
            "---",
        ),
        ("{{ slice .text 5 9 }}{{ slice .text -3 }}{{ slice .a 1 }}{{ slice \"é\" 1 }}", "x"),
        (
            "{{ default \"nobody\" .a }} {{ default \"nobody\" .text }} {{ .zero | default 7 }} {{ default .text .list }}",
            "nobody x 7 [1 [2]]",
        ),
        (
            "{{ upper \"straße\" }} {{ lower \"ÄB\" }} {{ title \"the o'neill under_score\" }} [{{ trim \" a \\n\" }}]",
            "STRASSE äb The O'neill Under_score [a]",
        ),
        ("{{ join \", \" .list }} {{ join \", \" .text }} [{{ join \", \" .a }}]", "1, [2] x []"),
        (
            "{{ truncate 3 \"abcd\" }} {{ truncate 4 \"abcd\" }} {{ truncate 0 \"a\" }}{{ truncate .a \"a\" }}{{ truncate -1 \"a\" }}",
            "ab… abcd ",
        ),
        (
            "{{ json . }}",
            r#"{"big":1500000.0,"huge":1e+300,"list":[1,[2]],"null":null,"text":"x","whole":3.0,"zero":0}"#,
        ),
        (
            "{{ json .a }} {{ json \"q\\\"\" }} {{ json 1 }} {{ json true }} {{ json .list }}",
            r#"null "q\"" 1 true [1,[2]]"#,
        ),
    ] {
        assert_eq!(render(text, &dot), expected, "{text}");
    }
}

#[test]
fn html_and_json_are_not_escaped_twice() {
    let dot = json!({"who": "<b> & \"c\"", "details": {"a": ["\"", 1]}});
    let html = Template::parse("{{ .who }} {{ html .who }} {{ .who | html }}", &Shape::any()).unwrap();
    let once = "&lt;b&gt; &amp; &#34;c&#34;";
    assert_eq!(html.render(&dot, Escape::Html), format!("{once} {once} {once}"));
    let text = r#"{"who": "{{ .who }}", "same": {{ json .who }}, "details": {{ json .details }}, "text": "{{ .details }}"}"#;
    let rendered = Template::parse(text, &Shape::any()).unwrap().render(&dot, Escape::Json);
    let read: Value = serde_json::from_str(&rendered).unwrap();
    assert_eq!(
        read,
        json!({"who": dot["who"], "same": dot["who"], "details": dot["details"], "text": "map[a:[\" 1]]"})
    );
}

#[test]
fn slack_calls_nobody_and_addresses_stay_whole() {
    for text in ["@here", "x @Channel!", "(@EVERYONE)", "*@group*", "\u{ff20}here", "é@here"] {
        let escaped = Escape::Slack.escaped(text);
        assert_eq!(escaped.contains('\u{2060}'), text != "é@here", "{escaped}");
        assert_eq!(escaped.replace('\u{2060}', ""), text);
    }
    for text in ["a@here.com", "@hereby", "@channel4", "@bob", "@", "x-@here"] {
        assert_eq!(Escape::Slack.escaped(text), text);
    }
}

#[test]
fn what_grows_without_end_is_cut() {
    let many: Vec<u32> = (0..20_000).collect();
    let dot = json!({"many": many, "text": "é".repeat(600_000), "object": many.iter().map(|n| (n.to_string(), Value::Null)).collect::<serde_json::Map<_, _>>()});
    for text in [
        "{{ range .many }}x{{ end }}",
        "{{ range .many }}{{ range $.many }}{{ end }}{{ end }}",
        "{{ range 1000000000 }}{{ end }}",
        "{{ range .many }}{{ range $.object }}{{ break }}{{ end }}{{ end }}",
        "{{ $x := \"xx\" }}{{ range 9000 }}{{ $x = print $x $x }}{{ end }}{{ $x }}",
        "{{ range 9000 }}{{ if eq (upper $.text) \"\" }}{{ end }}{{ end }}",
        "{{ range 9000 }}{{ $x := len (json $) }}{{ end }}",
        "{{ range 5000 }}{{ printf \"%1000d\" . }}{{ end }}",
        "{{ .text }}",
        "{{ .many }}{{ .many }}{{ .many }}",
        "{{ json . }}",
    ] {
        for escape in [Escape::None, Escape::Slack, Escape::Html, Escape::Json, Escape::HeaderLine] {
            let rendered = Template::parse(text, &Shape::any()).unwrap().render(&dot, escape);
            assert!(
                rendered.ends_with('…') && rendered.len() <= MAX_OUTPUT_BYTES,
                "{text}: {}",
                rendered.len()
            );
        }
    }
    let loops = render("{{ range .many }}x{{ end }}", &dot);
    assert_eq!(loops, "x".repeat(audit_template::MAX_ITERATIONS) + "…");
    // What fits is not marked.
    assert_eq!(render("{{ range 10000 }}x{{ end }}", &dot), "x".repeat(10_000));
    assert_eq!(render("{{ printf \"%999999999999999999999d\" 1 }}", &dot).len(), 1000);
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[<>&\"'@`*_\r\n\u{0}-\u{1f}\u{202e}\u{85}a-c]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-d]", inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Pieces that make templates that are often nearly right.
fn any_template() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{{",
        "}}",
        "{{ ",
        " }}",
        "{{- ",
        " -}}",
        "{{/*",
        "*/}}",
        ".a",
        ".b",
        ".c.d",
        ".",
        "$",
        "$x",
        "$x := ",
        "$x = ",
        "if ",
        "else ",
        "else",
        "end",
        "range ",
        "range $i, $x := ",
        "with ",
        "break",
        "continue",
        " | ",
        "(",
        ")",
        "eq ",
        "ne ",
        "lt ",
        "and ",
        "or ",
        "not ",
        "printf \"%5d%q\" ",
        "printf ",
        "\"%s%08.3f%x\" ",
        "len ",
        "index ",
        "slice ",
        "print ",
        "println ",
        "html ",
        "js ",
        "urlquery ",
        "default ",
        "upper ",
        "title ",
        "trim ",
        "join ",
        "truncate ",
        "json ",
        "1 ",
        "-7 ",
        "2.5 ",
        "true ",
        "\"t\\n\" ",
        "`r`",
        " ",
        "\n",
        "x",
        "é",
        "{{ .a }}",
        "{{ end }}",
        "{{ range .b }}",
        "{{ if .a }}",
        "{{ else }}",
        "{{ $x := .a }}",
        "{{ with .c }}",
        "\\",
        "'",
        "\u{0}",
        "…",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

const ESCAPES: [Escape; 5] = [Escape::None, Escape::Slack, Escape::Html, Escape::Json, Escape::HeaderLine];

#[test]
fn what_is_made_of_a_long_list_and_thrown_away_counts() {
    // Each turn would make a text of a quarter of a mebibyte, which does not show in the output.
    let dot = json!({"turns": vec![0; 10_000], "list": vec!["x"; 100_000], "breaks": "\n".repeat(200_000)});
    for (action, escape) in [
        (r#"{{ printf "%.1s" $.list }}"#, Escape::None),
        ("{{ truncate 1 $.list }}", Escape::None),
        ("{{ len (json $.list) }}", Escape::None),
        ("{{ $.breaks }}x", Escape::HeaderLine),
    ] {
        let text = format!("{{{{ range .turns }}}}{action}{{{{ end }}}}");
        let rendered = Template::parse(&text, &Shape::any()).unwrap().render(&dot, escape);
        assert!(rendered.ends_with('…') && rendered.len() < 1000, "{action}: {}", rendered.len());
    }
    // A look at a list is no copy of it.
    let text = "{{ range .turns }}{{ index $.list 7 }}{{ len $.list }}{{ end }}";
    let rendered = Template::parse(text, &Shape::any()).unwrap().render(&dot, Escape::None);
    assert_eq!(rendered, "x100000".repeat(10_000));
}

#[test]
fn every_mark_of_writing_direction_leaves_a_header() {
    let marks = "\u{61c}\u{200e}\u{200f}\u{202a}\u{202e}\u{2066}\u{2069}";
    assert_eq!(Escape::HeaderLine.escaped(&format!("a{marks}b")), "a b");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_text_panics_the_parser(text in prop_oneof![any::<String>(), any_template()]) {
        if let Err(error) = Template::parse(&text, &Shape::object([("a", Shape::scalar())]).open()) {
            let lines: Vec<&str> = text.split('\n').collect();
            prop_assert!(error.line() <= lines.len());
            prop_assert!(error.column() <= lines[error.line() - 1].chars().count() + 1);
        }
    }

    #[test]
    fn what_is_read_renders(text in any_template(), dot in any_value()) {
        if let Ok(template) = Template::parse(&text, &Shape::any()) {
            for escape in ESCAPES {
                prop_assert!(template.render(&dot, escape).len() <= MAX_OUTPUT_BYTES);
            }
        }
    }

    #[test]
    fn each_function_takes_any_values(dot in any_value(), other in any_value()) {
        let dot = json!({"a": dot, "b": other});
        for name in ["len", "upper", "lower", "title", "trim", "json", "not", "html", "js", "urlquery", "print", "println"] {
            render(&format!("{{{{ {name} .a }}}}"), &dot);
        }
        for name in ["eq", "ne", "lt", "le", "gt", "ge", "index", "slice", "default", "join", "truncate", "printf", "and", "or"] {
            render(&format!("{{{{ {name} .a .b }}}}"), &dot);
        }
        for verb in ["v", "s", "d", "q", "x", "X", "f", "e", "g", "t"] {
            render(&format!("{{{{ printf \"%-+09.3{verb}%12{verb}\" .a .b }}}}"), &dot);
        }
    }

    #[test]
    fn a_value_stays_a_value(value in any_value()) {
        let text = render("{{ . }}", &value);
        let template = Template::parse("\"{{ . }}\"", &Shape::any()).unwrap();
        let inside = |escape| {
            let rendered = template.render(&value, escape);
            rendered[1..rendered.len() - 1].to_owned()
        };
        let slack = inside(Escape::Slack);
        prop_assert!(!slack.contains(['<', '>']));
        let back = slack.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        prop_assert_eq!(back.replace('\u{2060}', ""), text.replace('\u{2060}', ""));
        prop_assert!(!inside(Escape::Html).contains(['<', '>', '"', '\'']));
        prop_assert!(!inside(Escape::HeaderLine).contains(char::is_control));
        let json: String = serde_json::from_str(&template.render(&value, Escape::Json)).unwrap();
        prop_assert_eq!(json, text);
    }
}
