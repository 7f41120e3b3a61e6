use reqwest::Url;
use reqwest::redirect::Policy;

/// How many redirects are followed for one request.
const HOPS: usize = 5;

/// Follows only what stays on the same scheme, host and port and asks for the same POST again (307 and 308, RFC 9110
/// §15.4.8 and §15.4.9): the records and every header go along, not only those that are known as credentials.
pub(crate) fn policy() -> Policy {
    Policy::custom(|attempt| {
        let from = attempt.previous().last();
        let stays = from.is_some_and(|from| stays(attempt.status().as_u16(), from, attempt.url()));
        if stays && attempt.previous().len() <= HOPS { attempt.follow() } else { attempt.stop() }
    })
}

fn stays(status: u16, from: &Url, to: &Url) -> bool {
    matches!(status, 307 | 308) && from.origin() == to.origin()
}

/// Why a redirect was not followed, and what to do. The target's path and query are left out: they may be a credential.
pub(crate) fn not_followed(status: u16, from: &Url, location: Option<&str>) -> String {
    let Some(to) = location.and_then(|location| from.join(location).ok()) else {
        return "redirected to nowhere: its Location is missing or no URL".to_owned();
    };
    let target = format!("{}/…", to.origin().ascii_serialization());
    if from.origin() != to.origin() {
        format!(
            "redirected to {target}: not followed, as the credentials and records would go along; \
             set url to it if that is right"
        )
    } else if stays(status, from, &to) {
        format!("redirected more than {HOPS} times, last to {target}; set url to where that ends")
    } else {
        format!(
            "redirected to {target}: not followed, as a POST would become a GET; \
             set url to it if that is right"
        )
    }
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::{not_followed, stays};

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    #[test]
    fn only_the_same_origin_and_method_is_followed() {
        let from = url("https://logs.example/in");
        let follows = |status, to| stays(status, &from, &url(to));
        assert!(follows(307, "https://logs.example/in/"));
        assert!(follows(308, "https://logs.example:443/other"));
        for status in [301, 302, 303] {
            assert!(!follows(status, "https://logs.example/in/"), "{status}");
        }
        for elsewhere in ["http://logs.example/in", "https://logs.example:8443/in", "https://evil.example/in"]
        {
            assert!(!follows(307, elsewhere), "{elsewhere}");
        }
    }

    #[test]
    fn the_reason_says_where_to_and_keeps_paths_to_itself() {
        let from = url("https://logs.example/in");
        let reason = |status, to| not_followed(status, &from, to);
        assert_eq!(
            reason(307, Some("https://other.example:8443/token-1?key=2")),
            "redirected to https://other.example:8443/…: not followed, as the credentials and records would go along; \
             set url to it if that is right"
        );
        assert!(
            reason(302, Some("/login")).starts_with(
                "redirected to https://logs.example/…: not followed, as a POST would become a GET"
            )
        );
        assert!(reason(307, Some("/loop")).starts_with("redirected more than 5 times"));
        assert!(reason(301, None).contains("to nowhere"));
    }
}
