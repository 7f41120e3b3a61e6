//! Our output beside that of Go's own `text/template`, recorded in `tests/data`.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use audit_template::{Escape, Shape, Template};
use serde_json::Value;

/// Where we differ on purpose: template, data, ours (`None`: an error when it is read).
const OURS: &[(&str, &str, Option<&str>)] = &[
    // What is missing is nothing, and is no error.
    ("{{ and .a .b }}", "empty", Some("")),
    ("{{ .a.b.c }}", "empty", Some("")),
    ("{{ .count.x }}", "alert", Some("")),
    ("{{ .x }}", "list", Some("")),
    ("{{ index . 9 }}", "list", Some("")),
    // A value that a verb is not for is written as it is, without `%!s(bool=true)`.
    ("{{ printf \"%e %.2e %E\" .pi .tiny .big }}", "odd", Some("3.141590e+00 1.00e-03 9.007199E+15")),
    ("{{ printf \"%s %v\" .bool .negative }}", "odd", Some("true -42")),
    // `%q` makes one text of what is printed.
    ("{{ printf \"%q\" .details.topics }}", "alert", Some("\"[orders payments]\"")),
    // Behind a `|` stands something.
    ("{{ .count | }}", "alert", None),
];

#[test]
fn wherever_go_renders_something_it_is_what_we_render() {
    let vectors: Value = serde_json::from_str(include_str!("data/go-text-template.json")).unwrap();
    let (mut same, mut refused, mut wrong) = (0, 0, Vec::new());
    for vector in vectors["vectors"].as_array().unwrap() {
        let (text, data) = (vector["template"].as_str().unwrap(), vector["data"].as_str().unwrap());
        let ours = Template::parse(text, &Shape::any())
            .map(|template| template.render(&vectors["data"][data], Escape::None));
        let listed = OURS.iter().find(|(template, of, _)| *template == text && *of == data);
        let expected = listed.map_or(vector["result"].as_str(), |(.., ours)| *ours);
        match (expected, &ours) {
            (Some(expected), Ok(ours)) if expected == ours => same += 1,
            (None, Err(_)) => refused += 1,
            _ => wrong.push((text, data, vector["result"].as_str(), ours)),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(same > 170 && refused > 30, "{same} the same, {refused} refused by both");
}
