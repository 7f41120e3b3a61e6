use reqwest::Url;

/// What is shorter says little about a URL, and stands in many a text.
const SEGMENT: usize = 8;

/// The parts of a URL that may be a credential, as they are written and as a page about them may write them: path and
/// query, each value of the query, and the longer segments of the path.
pub(crate) fn url_secrets(url: &Url) -> Vec<String> {
    let path = url.path();
    let query = url.query().unwrap_or_default();
    let values = query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(_, value)| value));
    let segments = path.split('/').filter(|segment| segment.len() >= SEGMENT);
    let whole = format!("{path}?{query}");
    let mut secrets = Vec::new();
    for raw in [&whole, path, query].into_iter().chain(values).chain(segments) {
        for written in [raw.to_owned(), percent_decoded(raw), percent_decoded(&raw.replace('+', " "))] {
            if !secrets.contains(&written) {
                secrets.push(written);
            }
        }
    }
    secrets
}

/// RFC 3986 §2.1.
fn percent_decoded(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let byte = match after {
            [high, low, ..] if *first == b'%' => const_hex::decode([*high, *low]).ok(),
            _ => None,
        };
        rest = if byte.is_some() { &after[2..] } else { after };
        decoded.extend(byte.unwrap_or_else(|| vec![*first]));
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::{percent_decoded, url_secrets};

    #[test]
    fn path_query_values_and_long_segments() {
        let url = Url::parse("https://logs.example/hooks/T%2B1-s3cr3t?key=a+b%21&alone").expect("a URL");
        assert_eq!(
            url_secrets(&url),
            [
                "/hooks/T%2B1-s3cr3t?key=a+b%21&alone",
                "/hooks/T+1-s3cr3t?key=a+b!&alone",
                "/hooks/T+1-s3cr3t?key=a b!&alone",
                "/hooks/T%2B1-s3cr3t",
                "/hooks/T+1-s3cr3t",
                "key=a+b%21&alone",
                "key=a+b!&alone",
                "key=a b!&alone",
                "a+b%21",
                "a+b!",
                "a b!",
                "alone",
                "T%2B1-s3cr3t",
                "T+1-s3cr3t",
            ]
        );
    }

    #[test]
    fn what_is_no_escape_stays() {
        assert_eq!(percent_decoded("%41%4a%zz%4"), "AJ%zz%4");
        assert_eq!(percent_decoded("%ff%C3%BC"), "\u{fffd}ü");
        assert_eq!(percent_decoded("%+1"), "%+1");
    }
}
