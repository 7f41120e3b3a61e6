//! Errors of templates: what, where, what was expected.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use audit_template::{MAX_NESTING, MAX_TEMPLATE_BYTES, Shape, Template};

fn shape() -> Shape {
    let event = || {
        [
            ("event_type", Shape::scalar()),
            (
                "actor",
                Shape::object([
                    ("id", Shape::scalar()),
                    ("ip_address", Shape::scalar()),
                    ("roles", Shape::list(Shape::scalar())),
                ]),
            ),
            ("context", Shape::object([("environment", Shape::scalar())]).open()),
            ("details", Shape::any()),
            ("people", Shape::list(Shape::object([("name", Shape::scalar())]))),
            ("severity", Shape::scalar()),
        ]
    };
    Shape::object(event().into_iter().chain([("event", Shape::object(event()))]))
}

fn error(text: &str) -> String {
    Template::parse(text, &shape()).expect_err(text).to_string()
}

#[test]
fn unknown_names_come_with_the_nearest() {
    for (text, message) in [
        ("{{ .actr.id }}", "line 1, column 4: there is no field `.actr`; did you mean `.actor`?"),
        (
            "a\n\u{fc}\u{fc} {{.actor.idd}}",
            "line 2, column 12: there is no field `.idd`; did you mean `.id`?",
        ),
        ("{{ $.severty }}", "line 1, column 5: there is no field `.severty`; did you mean `.severity`?"),
        ("{{ .event.actor.ip }}", "line 1, column 16: there is no field `.ip`; did you mean `.ip_address`?"),
        (
            "{{ with .actor }}{{ .name }}{{ end }}",
            "line 1, column 21: there is no field `.name`; expected one of `.id`, `.ip_address`, `.roles`",
        ),
        (
            "{{ range .people }}{{ .nam }}{{ end }}",
            "line 1, column 23: there is no field `.nam`; did you mean `.name`?",
        ),
        (
            "{{ range $i, $p := .people }}{{ $p.nam }}{{ end }}",
            "line 1, column 35: there is no field `.nam`; did you mean `.name`?",
        ),
        (
            "{{ $a := .actor }}{{ $a.idd }}",
            "line 1, column 24: there is no field `.idd`; did you mean `.id`?",
        ),
        ("{{ (.actor).idd }}", "line 1, column 12: there is no field `.idd`; did you mean `.id`?"),
        (
            "{{ .actor.id.x }}",
            "line 1, column 13: there is no field `.x`; what stands before it is a single value, without fields",
        ),
        (
            "{{ .actor.roles.x }}",
            "line 1, column 16: there is no field `.x`; what stands before it is an array: go through it with `range`",
        ),
        ("{{ prinf \"x\" }}", "line 1, column 4: there is no function `prinf`; did you mean `printf`?"),
        (
            "{{ $count := 1 }}{{ $cuont }}",
            "line 1, column 21: there is no variable `$cuont`; did you mean `$count`?",
        ),
        ("{{ $x }}", "line 1, column 4: there is no variable `$x`; there are none here"),
        (
            "{{ if true }}{{ $x := 1 }}{{ end }}{{ $x }}",
            "line 1, column 39: there is no variable `$x`; there are none here",
        ),
    ] {
        assert_eq!(error(text), message);
    }
}

#[test]
fn what_is_not_known_is_not_complained_of() {
    for text in [
        "{{ .details.a.b.c }}",
        "{{ .context.region.name }}",
        "{{ range .details.list }}{{ .anything }}{{ end }}",
        "{{ with .details }}{{ .anything }}{{ $.severity }}{{ end }}",
        "{{ range $k, $v := .actor }}{{ $v.anything }}{{ .anything }}{{ end }}",
        "{{ (index .people 0).anything }}",
        "{{ index .actor \"department\" }}",
        "{{ with (default .actor .details) }}{{ .anything }}{{ end }}",
        // In the second turn it is another thing than the first.
        "{{ $x := .actor }}{{ range .people }}{{ $x.id }}{{ $x.name }}{{ $x = . }}{{ end }}",
        "{{ with .details.none }}{{ else }}{{ .severity }}{{ end }}",
    ] {
        assert!(Template::parse(text, &shape()).is_ok(), "{text}");
    }
}

#[test]
fn what_cannot_be_read_is_named_with_a_remedy() {
    for (text, message) in [
        ("a {{ .severity", "line 1, column 3: this `{{` has no end; expected `}}`"),
        (
            "{{ .severity }",
            "line 1, column 14: `}` has no meaning here; expected a field, a function, a text or `}}`",
        ),
        ("{{/* never ends", "line 1, column 1: this comment has no end; expected `*/}}`"),
        (
            "{{/* c */ .severity }}",
            "line 1, column 10: a comment must be all of its action; expected `}}` right behind `*/`",
        ),
        ("{{ \"open }}", "line 1, column 4: this text has no end; expected `\"` on the same line"),
        ("{{ `open }}", "line 1, column 4: this text has no end; expected a back-quote"),
        (
            "{{ \"\\q\" }}",
            "line 1, column 5: `\\q` is no escape; expected one of \\n \\t \\r \\\\ \\\" \\xHH \\uHHHH",
        ),
        (
            "{{ \"\\u12\" }}",
            "line 1, column 5: `\\u` has no character; expected 4 hexadecimal digits of a character",
        ),
        ("{{ 1x }}", "line 1, column 4: `1x` is no number; expected one such as 10, -3, 0x1F or 2.5"),
        (
            "{{ if .severity == \"high\" }}",
            "line 1, column 17: `=` is no operator here; compare with a function, such as `eq .severity \"high\"`: eq ne lt le gt ge and or not",
        ),
        (
            "{{ eq .severity 'high' }}",
            "line 1, column 17: `'` begins no text; write texts in double quotes, such as \"high\"",
        ),
        (
            "{{ .details.odd-key }}",
            "line 1, column 16: `-` cannot stand in `.odd-key`; reach the key with `index`, as in `index .details \"odd-key\"`",
        ),
        (
            "{{ .severity-}}",
            "line 1, column 13: a trim marker stands behind white space; expected ` -}}` with a space",
        ),
        ("{{ if .severity }}x", "line 1, column 4: this `if` has no end; expected `{{ end }}` behind it"),
        (
            "x\n{{ end }}",
            "line 2, column 4: this `end` ends nothing; take it out, or begin an `if`, `range` or `with`",
        ),
        (
            "{{ else }}",
            "line 1, column 4: this `else` belongs to nothing; expected it between `if`, `range` or `with` and `end`",
        ),
        (
            "{{ if .severity }}\n{{ else }}{{ else }}{{ end }}",
            "line 2, column 14: this `if` has its `else` already, on line 2; expected `end`",
        ),
        ("{{ break }}", "line 1, column 4: this `break` is in no `range`; expected it in one"),
        (
            "{{ template \"x\" }}",
            "line 1, column 4: `template` is not supported; write the text where it is wanted",
        ),
        (
            "{{ eq .severity nil }}",
            "line 1, column 17: `nil` is not supported; ask `not .field` whether a field is missing",
        ),
        (
            "{{ .severity \"x\" }}",
            "line 1, column 4: this is no function, and takes no arguments; expected `}}`, `)` or `|` behind it",
        ),
        (
            "{{ .severity | .actor }}",
            "line 1, column 16: only a function can stand behind `|`; expected one such as `printf \"%s\"` or `upper`",
        ),
        ("{{ eq .severity }}", "line 1, column 4: `eq` is given 1 argument; expected at least 2"),
        ("{{ not }}", "line 1, column 4: `not` is given no argument; expected 1"),
        ("{{ slice .severity 1 2 3 }}", "line 1, column 4: `slice` is given 4 arguments; expected 1 to 3"),
        (
            "{{ printf \"%s %d\" .severity }}",
            "line 1, column 4: `printf` is given 1 argument for its format; expected 2, one for each verb in \"%s %d\"",
        ),
        (
            "{{ printf \"%y\" .severity }}",
            "line 1, column 4: the format has an unknown verb `%y`; expected one of %v %s %d %q %x %X %f %e %g %t, and %% for a percent sign",
        ),
        (
            "{{ eq len .severity }}",
            "line 1, column 7: the function `len` stands here as a value; put it and its arguments in parentheses: `(len …)`",
        ),
        (
            "{{ eq .severity high }}",
            "line 1, column 17: there is no function `high`; expected a field (`.high`) or a text (\"high\")",
        ),
        ("{{ (.severity }}", "line 1, column 15: the action ends here; expected `)`"),
        ("{{ \"a\"\"b\" }}", "line 1, column 7: two values touch; expected a space between them"),
        (
            "{{}}",
            "line 1, column 3: the action ends here; expected a value: a field such as `.actor.id`, a text, a number or a function",
        ),
        ("{{ $ = 1 }}", "line 1, column 4: `$` cannot be set; expected a variable with a name, such as `$x`"),
        (
            "{{ range .severity }}{{ end }}",
            "line 1, column 4: `range` is given a single value; expected an array or an object",
        ),
    ] {
        assert_eq!(error(text), message);
    }
}

#[test]
fn depth_and_length_are_bounded() {
    let nested = |depth: usize| "{{ if .severity }}".repeat(depth) + &"{{ end }}".repeat(depth);
    assert!(Template::parse(&nested(MAX_NESTING), &shape()).is_ok());
    assert!(error(&nested(MAX_NESTING + 1)).contains("nests too deeply"));
    let parentheses = |depth: usize| format!("{{{{ {}1{} }}}}", "(".repeat(depth), ")".repeat(depth));
    assert!(Template::parse(&parentheses(MAX_NESTING), &shape()).is_ok());
    assert!(error(&parentheses(20_000)).contains("nests too deeply"));
    assert!(error(&format!("{{{{ 1{} }}}}", " | print".repeat(5_000))).contains("pipeline is too long"));
    assert!(error(&"x".repeat(MAX_TEMPLATE_BYTES + 1)).contains("65537 bytes"));
    // One `else if` after another is no nesting.
    let chain =
        format!("{{{{ if eq 1 2 }}}}{}{{{{ else }}}}last{{{{ end }}}}", "{{ else if eq 1 2 }}".repeat(3_000));
    let template = Template::parse(&chain, &shape()).unwrap();
    assert_eq!(template.render(&serde_json::json!({}), audit_template::Escape::None), "last");
}

#[test]
fn what_a_template_reads_is_known() {
    let template =
        Template::parse("{{ .actor.id }}{{ with .details }}{{ .status }}{{ $.severity }}{{ end }}", &shape())
            .unwrap();
    assert!(template.reads("actor") && template.reads("details") && template.reads("severity"));
    assert!(!template.reads("status") && !template.reads("id"));
    assert_eq!(template.constant(), None);
    assert_eq!(Template::parse("high{{/* c */}}", &shape()).unwrap().constant(), Some("high"));
    assert_eq!(Template::parse("", &shape()).unwrap().constant(), Some(""));
}
