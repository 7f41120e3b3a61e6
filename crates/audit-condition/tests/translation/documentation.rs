//! The fenced blocks of `docs/conditions.md`.

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/conditions.md");

pub(crate) fn text() -> String {
    std::fs::read_to_string(PATH).unwrap()
}

/// Blocks in the order of the file, with their language.
pub(crate) fn blocks() -> Vec<(String, String)> {
    blocks_of(&text())
}

/// The blocks of a page.
pub(crate) fn blocks_of(text: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let content: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push((language.to_owned(), content.join("\n")));
        }
    }
    blocks
}

/// The first block of a language that has a word in it.
pub(crate) fn block(language: &str, word: &str) -> String {
    let mut blocks = blocks().into_iter();
    let found = blocks.find(|(of, content)| of == language && content.contains(word));
    found.unwrap_or_else(|| panic!("no block of {language} with {word}")).1
}
