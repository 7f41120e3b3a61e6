use audit_condition::Condition;

/// What a command line of `audit-log search` asks for.
pub(crate) struct Search {
    /// None asks for everything.
    pub(crate) condition: Option<Condition>,
    pub(crate) columns: Vec<String>,
    pub(crate) is_grouped: bool,
}

impl Search {
    pub(crate) fn read(command: &str) -> Self {
        let words = words(command);
        let mut words = words.iter().map(String::as_str);
        assert_eq!((words.next(), words.next()), (Some("audit-log"), Some("search")), "{command}");
        let (mut parts, mut types, mut columns) = (Vec::new(), Vec::new(), Vec::new());
        let (mut is_grouped, mut paths) = (false, Vec::new());
        while let Some(word) = words.next() {
            if !word.starts_with("--") {
                paths.push(word);
                continue;
            }
            let value = words.next().unwrap();
            match word {
                "--where" => parts.push(value.to_owned()),
                "--type" => types.push(match value.strip_suffix('*') {
                    Some(start) => format!("event_type starts_with '{start}'"),
                    None => format!("event_type = '{value}'"),
                }),
                "--actor" => parts.push(format!("actor.id = '{value}'")),
                "--since" if value.contains('-') => parts.push(format!("timestamp >= '{value}'")),
                "--since" => parts.push(format!("timestamp >= now - {value}")),
                "--until" => parts.push(format!("timestamp < '{value}'")),
                "--fields" | "--group-by" => {
                    is_grouped = word == "--group-by";
                    columns = value.split(',').map(str::to_owned).collect();
                }
                "--format" => assert_eq!(value, "ndjson"),
                other => panic!("{other}: {command}"),
            }
        }
        assert_eq!(paths, ["audit.log"], "{command}");
        assert!(!columns.is_empty() && (!is_grouped || columns.len() == 1), "{command}");
        match types.as_slice() {
            [] => {}
            [one] => parts.insert(0, one.clone()),
            some => parts.insert(0, format!("({})", some.join(" or "))),
        }
        let condition = (!parts.is_empty()).then(|| Condition::parse(&parts.join(" and ")).unwrap());
        Self { condition, columns, is_grouped }
    }
}

/// The words of a command, up to the first pipe. Of the shell's rules those that the page needs.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in command.replace("\\\n", " ").chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), c) => word.push(c),
            (None, '\'' | '"') => quote = Some(c),
            (None, '|') => break,
            (None, c) if c.is_whitespace() => words.push(std::mem::take(&mut word)),
            (None, c) => {
                assert!(!"\\$`;&<>*?(){}".contains(c), "{c} has to be in quotation marks: {command}");
                word.push(c);
            }
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}
