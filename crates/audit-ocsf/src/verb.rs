//! What an operation does, by the words in its name.

/// The `activity_id` of API Activity for an operation such as `describe`, `createTopic` or `GET`: what its first known word
/// says.
pub(crate) fn activity_of(operation: &str) -> Option<u8> {
    words(operation).find_map(activity_of_word)
}

/// The same for the last part of an event's type, such as `backup_deleted`: what happened stands at its end.
pub(crate) fn activity_of_type(last: &str) -> Option<u8> {
    words(last).filter_map(activity_of_word).last()
}

/// Whether an operation changes nothing, by its very first word.
pub(crate) fn reads(operation: &str) -> bool {
    /// As Kafka, HTTP and the clouds name them.
    const READING: [&str; 7] = ["describe", "fetch", "get", "head", "list", "metadata", "read"];
    READING.iter().any(|word| first_word(operation).eq_ignore_ascii_case(word))
}

/// Of `s3:GetObject`, `GetObject` and `GET /object` it is `Get` or `GET`.
fn first_word(operation: &str) -> &str {
    let name = &operation[operation.bytes().rposition(|byte| byte == b':').map_or(0, |at| at + 1)..];
    let mut was_lower = false;
    let end = name.bytes().position(|letter| {
        let ends = !letter.is_ascii_alphanumeric() || (was_lower && letter.is_ascii_uppercase());
        was_lower = letter.is_ascii_lowercase();
        ends
    });
    &name[..end.unwrap_or(name.len())]
}

/// At most this much of a name is looked at, and of each word.
const LONGEST: usize = 200;

/// Words end at anything but letters, and where a small letter is followed by a capital one.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let end = text.char_indices().map(|(at, _)| at).find(|at| *at >= LONGEST).unwrap_or(text.len());
    text[..end].split(|c: char| !c.is_alphabetic()).flat_map(|part| {
        let mut rest = part;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let small_then_capital = rest
                .as_bytes()
                .windows(2)
                .position(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
            let (word, left) = rest.split_at(small_then_capital.map_or(rest.len(), |at| at + 1));
            rest = left;
            Some(word)
        })
    })
}

fn activity_of_word(word: &str) -> Option<u8> {
    const WORDS: [(u8, &[&str]); 4] = [
        (
            1,
            &[
                "create",
                "created",
                "add",
                "added",
                "insert",
                "inserted",
                "new",
                "register",
                "registered",
                "issue",
                "issued",
                "upload",
                "uploaded",
                "import",
                "imported",
                "backup",
                "post",
                "produce",
                "produced",
                "generate",
                "generated",
                "provision",
                "provisioned",
                "clone",
                "cloned",
                "copy",
                "copied",
                "invite",
                "invited",
                "send",
                "sent",
                "submit",
                "submitted",
            ],
        ),
        (
            2,
            &[
                "read",
                "get",
                "list",
                "listed",
                "describe",
                "described",
                "view",
                "viewed",
                "fetch",
                "fetched",
                "head",
                "download",
                "downloaded",
                "export",
                "exported",
                "search",
                "select",
                "selected",
                "searched",
                "query",
                "queried",
                "scan",
                "scanned",
                "verify",
                "verified",
                "validate",
                "validated",
                "check",
                "checked",
                "consume",
                "consumed",
                "metadata",
                "inspect",
                "inspected",
                "show",
                "shown",
                "options",
                "lookup",
                "count",
                "print",
                "printed",
            ],
        ),
        (
            3,
            &[
                "update",
                "updated",
                "change",
                "changed",
                "modify",
                "modified",
                "set",
                "alter",
                "altered",
                "patch",
                "patched",
                "edit",
                "edited",
                "rename",
                "renamed",
                "restore",
                "restored",
                "replace",
                "replaced",
                "put",
                "write",
                "written",
                "append",
                "appended",
                "enable",
                "enabled",
                "disable",
                "disabled",
                "rotate",
                "rotated",
                "reset",
                "grant",
                "granted",
                "revoke",
                "revoked",
                "apply",
                "applied",
                "move",
                "moved",
                "approve",
                "approved",
                "reject",
                "rejected",
                "assign",
                "assigned",
                "configure",
                "configured",
                "renew",
                "renewed",
                "refresh",
                "refreshed",
                "merge",
                "merged",
                "lock",
                "locked",
                "unlock",
                "unlocked",
                "resize",
                "resized",
                "upgrade",
                "upgraded",
                "publish",
                "published",
                "attach",
                "attached",
                "detach",
                "detached",
            ],
        ),
        (
            4,
            &[
                "delete",
                "deleted",
                "remove",
                "removed",
                "destroy",
                "destroyed",
                "drop",
                "dropped",
                "purge",
                "purged",
                "erase",
                "erased",
                "terminate",
                "terminated",
                "prune",
                "pruned",
                "truncate",
                "truncated",
                "expire",
                "expired",
                "unregister",
                "unregistered",
            ],
        ),
    ];
    let is_it = |known: &str| known.eq_ignore_ascii_case(word);
    WORDS.iter().find(|(_, words)| words.iter().any(|known| is_it(known))).map(|(activity, _)| *activity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_stands_at_the_end_of_a_type() {
        for (last, activity) in [
            ("deleted", 4),
            ("backup_deleted", 4),
            ("new_key_revoked", 3),
            ("metadata_updated", 3),
            ("read_only_disabled", 3),
            ("count_reset", 3),
            ("set_deleted", 4),
            ("invoice_exported", 2),
        ] {
            assert_eq!(activity_of_type(last), Some(activity), "{last}");
        }
        assert_eq!(activity_of_type("frobnicated"), None);
    }

    #[test]
    fn by_the_first_word_that_is_known() {
        for (operation, activity) in [
            ("create_acls", Some(1)),
            ("metadata", Some(2)),
            ("GET", Some(2)),
            ("describeConfigs", Some(2)),
            ("restore", Some(3)),
            ("topic.deleted", Some(4)),
            ("DeleteTopics", Some(4)),
            ("invoice-exported", Some(2)),
            ("frobnicate", None),
            ("", None),
            ("日本語", None),
            ("éCreate", None),
        ] {
            assert_eq!(activity_of(operation), activity, "{operation}");
        }
        let long = "x".repeat(LONGEST - 1) + "é delete";
        assert_eq!(activity_of(&long), None);
    }

    #[test]
    fn the_first_word_of_an_operation_is_found_however_words_are_joined() {
        for (operation, word) in [
            ("metadata", "metadata"),
            ("create_acls", "create"),
            ("DescribeInstances", "describe"),
            ("s3:GetObject", "get"),
            ("listOffsets", "list"),
            ("GET /v1/brokers", "get"),
            ("HEAD", "head"),
            ("getaway", "getaway"),
            ("", ""),
            ("é", ""),
        ] {
            assert_eq!(first_word(operation).to_ascii_lowercase(), word, "{operation}");
        }
    }
}
