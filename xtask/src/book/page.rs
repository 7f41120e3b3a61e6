//! A page of Markdown: its links, its anchors, and the blocks that something is done with.

use std::collections::HashSet;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::shell::root;

pub(crate) struct Page {
    /// From the top of the repository.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) blocks: Vec<Block>,
    pub(crate) links: Vec<Link>,
    /// As GitHub makes them of headings.
    pub(crate) anchors: HashSet<String>,
    /// What has to be there to run its commands: services and programs.
    pub(crate) needs: Vec<String>,
    /// The test that runs its commands instead.
    pub(crate) tested_by: Option<String>,
}

pub(crate) struct Block {
    pub(crate) line: usize,
    /// In the page's text.
    pub(crate) range: Range<usize>,
    pub(crate) kind: Kind,
    pub(crate) text: String,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Run by a shell, the last command ending with this code.
    Shell {
        exit: u8,
    },
    /// Run line by line, behind each `$ ` a command and then what it prints.
    Console,
    /// Run, and not shown: a comment that begins with `run`.
    Hidden,
    /// What the shell block right before it prints.
    Output,
    /// Written to this file.
    File(String),
    /// A configuration, or a part of one.
    Configuration,
    Rust,
    /// Commands or a configuration that cannot be tried here.
    NotTried(String),
}

pub(crate) struct Link {
    pub(crate) to: String,
    pub(crate) line: usize,
    /// In the page's text, brackets included.
    pub(crate) range: Range<usize>,
}

impl Page {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(root().join(path))
            .with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(path, text).with_context(|| format!("in {}", path.display()))
    }

    fn parse(path: &Path, text: String) -> Result<Self> {
        let mut page = Self {
            path: path.to_owned(),
            text: String::new(),
            blocks: Vec::new(),
            links: Vec::new(),
            anchors: HashSet::new(),
            needs: Vec::new(),
            tested_by: None,
        };
        let mut parser = Parser::new_ext(&text, Options::ENABLE_TABLES).into_offset_iter();
        let mut may_be_output = false;
        while let Some((event, range)) = parser.next() {
            let line = 1 + text[..range.start].matches('\n').count();
            match event {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                    let inner = text_until(&mut parser, TagEnd::CodeBlock);
                    if let Some(kind) = kind(&info, may_be_output)? {
                        may_be_output = matches!(kind, Kind::Shell { .. });
                        page.blocks.push(Block { line, range, kind, text: inner });
                    }
                }
                Event::Start(Tag::HtmlBlock) => {
                    may_be_output = false;
                    let html = text_until(&mut parser, TagEnd::HtmlBlock);
                    page.html(&html, line, range);
                }
                Event::Start(Tag::Heading { .. }) => {
                    may_be_output = false;
                    let mut heading = String::new();
                    for (event, _) in parser.by_ref() {
                        match event {
                            Event::Text(text) | Event::Code(text) => heading += &text,
                            Event::End(TagEnd::Heading(_)) => break,
                            _ => {}
                        }
                    }
                    page.add_anchor(&heading);
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(Link { to: dest_url.into_string(), line, range });
                }
                Event::Start(Tag::Paragraph) => may_be_output = false,
                _ => {}
            }
        }
        page.text = text;
        Ok(page)
    }

    pub(crate) fn shown(&self, line: usize) -> String {
        format!("{}:{line}", self.path.display())
    }

    fn html(&mut self, html: &str, line: usize, range: Range<usize>) {
        let Some(comment) = html.trim().strip_prefix("<!--").and_then(|rest| rest.strip_suffix("-->")) else {
            return;
        };
        if let Some(commands) = comment.trim_start().strip_prefix("run\n") {
            self.blocks.push(Block { line, range, kind: Kind::Hidden, text: commands.to_owned() });
        } else if let Some(needs) = comment.trim().strip_prefix("needs: ") {
            self.needs.extend(needs.split_whitespace().map(str::to_owned));
        } else if let Some(test) = comment.trim().strip_prefix("tested by: ") {
            self.tested_by = Some(test.to_owned());
        }
    }

    fn add_anchor(&mut self, heading: &str) {
        let anchor: String = heading
            .to_lowercase()
            .chars()
            .filter(|it| it.is_alphanumeric() || matches!(it, ' ' | '-' | '_'))
            .map(|it| if it == ' ' { '-' } else { it })
            .collect();
        let free = (1..).map(|number| format!("{anchor}-{number}")).find(|it| !self.anchors.contains(it));
        let again = free.expect("there is always another number");
        if !self.anchors.insert(anchor) {
            self.anchors.insert(again);
        }
    }
}

fn text_until<'a>(parser: &mut impl Iterator<Item = (Event<'a>, Range<usize>)>, end: TagEnd) -> String {
    let mut inner = String::new();
    for (event, _) in parser.by_ref() {
        match event {
            Event::Text(text) | Event::Html(text) => inner += &text,
            Event::End(ended) if ended == end => break,
            _ => {}
        }
    }
    inner
}

/// From a fence's first line: a language, and perhaps one thing more behind a comma, as in `sh,no_run(needs a cluster)`.
fn kind(info: &str, may_be_output: bool) -> Result<Option<Kind>> {
    let (language, more) = info.split_once(',').unwrap_or((info, ""));
    let (what, of) = match more.split_once('(') {
        Some((what, rest)) => (what, rest.strip_suffix(')').context("a fence's `(` is not closed")?),
        None => (more, ""),
    };
    Ok(Some(match (language, what, of) {
        ("sh" | "console" | "yaml", "no_run", reason) if !reason.is_empty() => {
            Kind::NotTried(reason.to_owned())
        }
        ("sh", "", _) => Kind::Shell { exit: 0 },
        ("sh", "exit", code) => Kind::Shell { exit: code.parse().context("an exit code is a number")? },
        ("console", "", _) => Kind::Console,
        ("text" | "json", "", _) if may_be_output => Kind::Output,
        (_, "file", name) if !name.is_empty() => Kind::File(name.to_owned()),
        ("yaml", "", _) => Kind::Configuration,
        ("rust" | "", ..) => Kind::Rust,
        ("bash" | "shell", ..) => bail!("a block of commands is `sh` or `console` here"),
        (_, "", _) => return Ok(None),
        _ => bail!(
            "what is `{info}`? A fence may have no_run(WHY), exit(CODE) or file(NAME) behind its language"
        ),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Page {
        Page::parse(Path::new("docs/page.md"), text.to_owned()).unwrap()
    }

    #[test]
    fn what_follows_commands_is_what_they_print() {
        let page =
            parse("```sh\na\n```\n\n```text\nb\n```\n\n```sh\nc\n```\n\nMeanwhile:\n\n```text\nd\n```\n");
        let kinds: Vec<&Kind> = page.blocks.iter().map(|block| &block.kind).collect();
        assert_eq!(kinds, [&Kind::Shell { exit: 0 }, &Kind::Output, &Kind::Shell { exit: 0 }]);
        assert_eq!(page.blocks[2].line, 9);
    }

    #[test]
    fn a_fence_says_what_is_done_with_it() {
        assert_eq!(
            kind("sh,no_run(needs a cluster, really)", false).unwrap(),
            Some(Kind::NotTried("needs a cluster, really".into()))
        );
        assert_eq!(kind("sh,exit(1)", false).unwrap(), Some(Kind::Shell { exit: 1 }));
        assert_eq!(kind("yaml,file(audit.yaml)", false).unwrap(), Some(Kind::File("audit.yaml".into())));
        for wrong in ["sh,no_run", "sh,no_run()", "sh,ignore", "bash", "sh,exit(x)", "sh,exit(1"] {
            assert!(kind(wrong, false).is_err(), "{wrong}");
        }
    }

    #[test]
    fn anchors_are_github_s() {
        let page = parse("# What is `s3`?\n\n## A, b & c\n\n## A, b & c\n");
        let anchors = ["what-is-s3", "a-b--c", "a-b--c-1"].map(str::to_owned);
        assert_eq!(page.anchors, HashSet::from(anchors));
    }

    #[test]
    fn comments_say_what_is_run_and_what_it_needs() {
        let page = parse(
            "<!-- needs: kafka jq -->\n\n<!-- run\necho a\n\necho b\n-->\n\n<!-- tested by: x.rs -->\n",
        );
        assert_eq!(page.needs, ["kafka", "jq"]);
        assert_eq!(
            (&page.blocks[0].kind, page.blocks[0].text.as_str()),
            (&Kind::Hidden, "echo a\n\necho b\n")
        );
        assert_eq!(page.tested_by.as_deref(), Some("x.rs"));
    }
}
