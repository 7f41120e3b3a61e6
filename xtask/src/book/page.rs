//! A page of Markdown: its links, its anchors, and the blocks that something is done with.

use std::collections::{HashMap, HashSet};
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
    /// The test that reads the page and runs its commands instead.
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
    /// What cannot be tried here, and why.
    NotTried(String),
    /// This test reads it.
    Tested(String),
    /// The page does not say what is to be done with it.
    Untold,
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

    pub(crate) fn parse(path: &Path, text: String) -> Result<Self> {
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
        let mut tests = HashMap::new();
        while let Some((event, range)) = parser.next() {
            let line = 1 + text[..range.start].matches('\n').count();
            match event {
                Event::Start(Tag::CodeBlock(fence)) => {
                    let inner = text_until(&mut parser, TagEnd::CodeBlock);
                    let kind = match fence {
                        CodeBlockKind::Fenced(info) => kind(&info, may_be_output, &tests)?,
                        CodeBlockKind::Indented => Kind::Untold,
                    };
                    may_be_output = matches!(kind, Kind::Shell { .. });
                    page.blocks.push(Block { line, range, kind, text: inner });
                }
                Event::Start(Tag::HtmlBlock) => {
                    may_be_output = false;
                    let html = text_until(&mut parser, TagEnd::HtmlBlock);
                    page.html(&html, line, range, &mut tests)?;
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

    fn html(
        &mut self,
        html: &str,
        line: usize,
        range: Range<usize>,
        tests: &mut HashMap<String, String>,
    ) -> Result<()> {
        let Some(comment) = html.trim().strip_prefix("<!--").and_then(|rest| rest.strip_suffix("-->")) else {
            return Ok(());
        };
        if let Some(commands) = comment.trim_start().strip_prefix("run\n") {
            self.blocks.push(Block { line, range, kind: Kind::Hidden, text: commands.to_owned() });
        } else if let Some(needs) = comment.trim().strip_prefix("needs: ") {
            self.needs.extend(needs.split_whitespace().map(str::to_owned));
        } else if let Some(test) = comment.trim().strip_prefix("tested by: ") {
            self.tested_by = Some(test.to_owned());
        } else if let Some((languages, test)) = comment.trim().split_once(" tested by: ") {
            tests.extend(languages.split_whitespace().map(|language| (language.to_owned(), test.to_owned())));
        } else if !comment.trim().starts_with("Made by ") {
            bail!(
                "line {line}: what is the comment `{}`? It may be `run`, `needs: …`, `tested by: …` or `LANGUAGE… tested by: …`",
                comment.trim()
            );
        }
        Ok(())
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

/// From a fence's first line: a language, and perhaps one thing more behind a comma, as in `sh,no_run(needs a cluster)`. Languages whose
/// blocks a test reads need no such thing.
fn kind(info: &str, may_be_output: bool, tests: &HashMap<String, String>) -> Result<Kind> {
    let (language, more) = info.split_once(',').unwrap_or((info, ""));
    let language = language.split(' ').next().unwrap_or(language);
    let (what, of) = match more.split_once('(') {
        Some((what, rest)) => (what, rest.strip_suffix(')').context("a fence's `(` is not closed")?),
        None => (more, ""),
    };
    Ok(match (language, what, of) {
        ("bash" | "shell", ..) => bail!("a block of commands is `sh` or `console` here"),
        (_, "no_run", reason) if !reason.is_empty() => Kind::NotTried(reason.to_owned()),
        (_, "tested_by", test) if !test.is_empty() => Kind::Tested(test.to_owned()),
        ("rust" | "", ..) => Kind::Rust,
        (_, "file", name) if !name.is_empty() => Kind::File(name.to_owned()),
        ("text" | "json", "", _) if may_be_output => Kind::Output,
        (_, "", _) if tests.contains_key(language) => Kind::Tested(tests[language].clone()),
        ("sh", "exit", code) => Kind::Shell { exit: code.parse().context("an exit code is a number")? },
        ("sh", "", _) => Kind::Shell { exit: 0 },
        ("console", "", _) => Kind::Console,
        ("yaml", "", _) => Kind::Configuration,
        (_, "", _) => Kind::Untold,
        _ => bail!(
            "what is `{info}`? A fence may have no_run(WHY), tested_by(PATH), exit(CODE) or file(NAME) behind its language"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Page {
        Page::parse(Path::new("docs/page.md"), text.to_owned()).unwrap()
    }

    fn kinds(text: &str) -> Vec<Kind> {
        parse(text).blocks.into_iter().map(|block| block.kind).collect()
    }

    fn fence(info: &str) -> Result<Kind> {
        kind(info, false, &HashMap::new())
    }

    #[test]
    fn what_follows_commands_is_what_they_print() {
        let page =
            parse("```sh\na\n```\n\n```text\nb\n```\n\n```sh\nc\n```\n\nMeanwhile:\n\n```text\nd\n```\n");
        let kinds: Vec<&Kind> = page.blocks.iter().map(|block| &block.kind).collect();
        assert_eq!(kinds, [&Kind::Shell { exit: 0 }, &Kind::Output, &Kind::Shell { exit: 0 }, &Kind::Untold]);
        assert_eq!(page.blocks[2].line, 9);
    }

    #[test]
    fn a_fence_says_what_is_done_with_it() {
        for info in ["sh,no_run(needs a cluster, really)", "sql,no_run(needs a cluster, really)"] {
            assert_eq!(fence(info).unwrap(), Kind::NotTried("needs a cluster, really".into()), "{info}");
        }
        assert_eq!(fence("sh,exit(1)").unwrap(), Kind::Shell { exit: 1 });
        assert_eq!(fence("yaml,file(audit.yaml)").unwrap(), Kind::File("audit.yaml".into()));
        assert_eq!(fence("python,tested_by(tests/a.rs)").unwrap(), Kind::Tested("tests/a.rs".into()));
        for wrong in [
            "sh,no_run",
            "sh,no_run()",
            "sql,no_run",
            "text,tested_by()",
            "sh,ignore",
            "bash",
            "sh,exit(x)",
            "sh,exit(1",
        ] {
            assert!(fence(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_block_that_nothing_is_done_with_is_seen() {
        for block in [
            "```text\na\n```\n",
            "```sql\na\n```\n",
            "```python\na\n```\n",
            "```text a b\nc\n```\n",
            "    a\n",
        ] {
            assert_eq!(kinds(block), [Kind::Untold], "{block}");
        }
        assert_eq!(kinds("```sh\na\n```\n\n```sql\nb\n```\n"), [Kind::Shell { exit: 0 }, Kind::Untold]);
    }

    #[test]
    fn a_test_reads_the_blocks_of_its_languages_that_follow() {
        let found = kinds(
            "```sql\na\n```\n\n<!-- sql text yaml tested by: x.rs -->\n\n```sql\nb\n```\n\n```text c\nd\n```\n\n\
             ```yaml\ne\n```\n\n```json\nf\n```\n\n```sh\ng\n```\n\n```text\nh\n```\n",
        );
        let read = || Kind::Tested("x.rs".into());
        let expected =
            [Kind::Untold, read(), read(), read(), Kind::Untold, Kind::Shell { exit: 0 }, Kind::Output];
        assert_eq!(found, expected);
    }

    #[test]
    fn anchors_are_github_s() {
        let page = parse("# What is `s3`?\n\n## A, b & c\n\n## A, b & c\n");
        let anchors = ["what-is-s3", "a-b--c", "a-b--c-1"].map(str::to_owned);
        assert_eq!(page.anchors, HashSet::from(anchors));
    }

    #[test]
    fn a_comment_that_says_nothing_known_is_refused() {
        let wrong = Page::parse(Path::new("docs/page.md"), "a\n\n<!-- need: kafka -->\n".to_owned());
        assert!(
            wrong
                .is_err_and(|error| error.to_string().contains("line 3: what is the comment `need: kafka`?"))
        );
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
