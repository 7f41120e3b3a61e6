"""Answers as Slack's incoming webhooks and PagerDuty's Events API v2 document theirs, for webhook.py.

A payload is held against the documented members, types and limits, unknown members included: what these places would
quietly leave out of a message is refused here.

    POST /slack/ok/…          200 `ok`, or 400 with `invalid_payload`, `no_text`, `invalid_blocks`, `too_many_attachments`
    POST /slack/NNN/…         NNN and the text that Slack has for it; 429 with Retry-After
    POST /slack/429-once/…    429 with Retry-After to the first request of this path, then as /slack/ok
    POST /pagerduty/v2/enqueue/…   202 {"status":"success","message":"Event processed","dedup_key":…}, or
                              400 {"status":"invalid event","message":"Event object is invalid","errors":[…]}
    POST /pagerduty/NNN/…, /pagerduty/429-once/…   as for Slack
    any other method          405

<https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/#handling_errors>
<https://docs.slack.dev/reference/block-kit/blocks/>
<https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments/>
<https://developer.pagerduty.com/docs/events-api-v2/trigger-events/>
"""

import datetime
import hashlib
import json
import re
import threading

RETRY_AFTER = {"Retry-After": "1"}
THROTTLED = {
    "status": "throttle exceeded",
    "message": "Requests for this service are arriving too quickly. Please retry later.",
}
SLACK = {
    "400": "invalid_payload",
    "403": "action_prohibited",
    "404": "no_service",
    "410": "channel_is_archived",
    "429": "rate_limited",
    "500": "rollup_error",
}

seen = set()
one_at_a_time = threading.Lock()


def answers(path):
    """Whether a path is of these places."""
    return path.startswith(("/slack/", "/pagerduty/"))


def answer(path, content_type, body):
    """Status, headers, and the answer's text or object."""
    place, mode = path.split("/")[1:3]
    if mode == "429-once":
        with one_at_a_time:
            first = path not in seen
            seen.add(path)
        mode = "429" if first else "ok"
    if place == "slack":
        if mode == "ok":
            problem = slack_problem(content_type, body)
            return (400, {}, problem) if problem else (200, {}, "ok")
        return int(mode), RETRY_AFTER if mode == "429" else {}, SLACK.get(mode, "error")
    if mode == "429":
        return 429, RETRY_AFTER, THROTTLED
    if re.fullmatch(r"\d{3}", mode):
        return int(mode), {}, {"status": "error", "message": "Internal Server Error"}
    errors, event = pagerduty_errors(content_type, body)
    if errors:
        return 400, {}, {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
    # Without a dedup_key PagerDuty makes one.
    key = event.get("dedup_key") or hashlib.md5(body.encode()).hexdigest()
    return 202, {}, {"status": "success", "message": "Event processed", "dedup_key": key}


def is_text(value, most):
    return isinstance(value, str) and 0 < len(value) <= most


def has_only(value, /, **members):
    """Whether an object has no other members, each as its test has it."""
    return isinstance(value, dict) and all(name in members and members[name](value[name]) for name in value)


def is_list(most, of):
    return lambda value: isinstance(value, list) and len(value) <= most and all(of(one) for one in value)


def text(value):
    return isinstance(value, str)


def flag(value):
    return isinstance(value, bool)


def number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def text_object(most, *kinds):
    return (
        lambda value: has_only(
            value, type=lambda kind: kind in kinds, text=lambda t: is_text(t, most), emoji=flag, verbatim=flag
        )
        and "type" in value
        and "text" in value
    )


any_text = text_object(3000, "plain_text", "mrkdwn")
field_text = text_object(2000, "plain_text", "mrkdwn")


def image(value):
    return has_only(value, type=lambda kind: kind == "image", image_url=text, alt_text=text, title=any_text, block_id=text)


def button(value):
    return has_only(
        value,
        type=lambda kind: kind == "button",
        text=text_object(75, "plain_text"),
        url=lambda url: is_text(url, 3000),
        action_id=text,
        value=text,
        style=lambda style: style in ("primary", "danger"),
    ) and "text" in value


BLOCKS = {
    "section": lambda b: ("text" in b or "fields" in b)
    and has_only(
        b, type=text, block_id=text, text=any_text, fields=is_list(10, field_text), accessory=image, expand=flag
    ),
    "header": lambda b: "text" in b and has_only(b, type=text, block_id=text, text=text_object(150, "plain_text")),
    "divider": lambda b: has_only(b, type=text, block_id=text),
    "context": lambda b: b.get("elements")
    and has_only(b, type=text, block_id=text, elements=is_list(10, lambda e: any_text(e) or image(e))),
    "actions": lambda b: b.get("elements") and has_only(b, type=text, block_id=text, elements=is_list(25, button)),
    "image": image,
}


def block(value):
    return isinstance(value, dict) and value.get("type") in BLOCKS and bool(BLOCKS[value["type"]](value))


def attachment(value):
    return isinstance(value, dict) and value and has_only(
        value,
        fallback=text, pretext=text, author_name=text, author_link=text, author_icon=text, title=text, title_link=text,
        text=text, image_url=text, thumb_url=text, footer=lambda t: len(t) <= 300 and text(t), footer_icon=text, ts=number,
        color=lambda c: c in ("good", "warning", "danger") or bool(re.fullmatch(r"#?[0-9a-fA-F]{6}", c)),
        fields=is_list(100, lambda f: has_only(f, title=text, value=text, short=flag)),
        mrkdwn_in=is_list(3, lambda name: name in ("text", "pretext", "fields")),
        blocks=is_list(50, block),
    )


def slack_problem(content_type, body):
    """The error that Slack has for it, or None."""
    try:
        message = json.loads(body)
    except ValueError:
        return "invalid_payload"
    if not isinstance(message, dict) or not (content_type or "").startswith("application/json"):
        return "invalid_payload"
    if not any(message.get(name) for name in ("text", "blocks", "attachments")):
        return "no_text"
    if isinstance(message.get("attachments"), list) and len(message["attachments"]) > 100:
        return "too_many_attachments"
    if "blocks" in message and not is_list(50, block)(message["blocks"]):
        return "invalid_blocks"
    known = has_only(
        message,
        text=lambda t: is_text(t, 40_000), blocks=lambda _: True,
        attachments=is_list(100, attachment), channel=text, username=text, icon_emoji=text, icon_url=text,
        link_names=lambda v: flag(v) or v in (0, 1), mrkdwn=flag, unfurl_links=flag, unfurl_media=flag, thread_ts=text,
        response_type=text, replace_original=flag, delete_original=flag, metadata=lambda m: isinstance(m, dict),
    )
    return None if known else "invalid_payload"


def is_time(value):
    try:
        datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
    except (AttributeError, ValueError):
        return False
    return True


def pagerduty_errors(content_type, body):
    """What is wrong with an event, and the event."""
    try:
        event = json.loads(body)
    except ValueError:
        return ["Invalid JSON"], None
    if not isinstance(event, dict):
        return ["Event is not an object"], None
    errors = []
    if len(body.encode()) > 512 * 1024:
        errors.append("Event is larger than 512 KB")
    if not (content_type or "").startswith("application/json"):
        errors.append("Content-Type must be application/json")

    def need(what, condition):
        if not condition:
            errors.append(what)

    known = {"routing_key", "event_action", "dedup_key", "payload", "images", "links", "client", "client_url"}
    need(f"unknown members {sorted(set(event) - known)}", set(event) <= known)
    need("'routing_key' must be a string of 32 characters", re.fullmatch(r"[0-9A-Za-z]{32}", str(event.get("routing_key"))))
    action = event.get("event_action")
    need("'event_action' is not one of trigger, acknowledge, resolve", action in ("trigger", "acknowledge", "resolve"))
    if "dedup_key" in event or action in ("acknowledge", "resolve"):
        need("'dedup_key' is missing or longer than 255", is_text(event.get("dedup_key"), 255))
    for name in ("client", "client_url"):
        need(f"'{name}' is not a string", text(event.get(name, "")))
    need("'links' is invalid", is_list(100, lambda link: has_only(link, href=text, text=text) and "href" in link)(event.get("links", [])))
    need("'images' is invalid", is_list(100, lambda one: has_only(one, src=text, href=text, alt=text) and "src" in one)(event.get("images", [])))
    payload = event.get("payload")
    if action != "trigger" and payload is None:
        return errors, event
    if not isinstance(payload, dict):
        return errors + ["'payload' is missing or not an object"], event
    known = {"summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details"}
    need(f"unknown members {sorted(set(payload) - known)} in 'payload'", set(payload) <= known)
    need("'payload.summary' is missing or blank or longer than 1024", is_text(payload.get("summary"), 1024))
    need("'payload.source' is missing or blank", is_text(payload.get("source"), 10_000))
    need("'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')",
         payload.get("severity") in ("critical", "warning", "error", "info"))
    need("'payload.timestamp' is no time of ISO 8601", "timestamp" not in payload or is_time(payload["timestamp"]))
    for name in ("component", "group", "class"):
        need(f"'payload.{name}' is not a string", text(payload.get(name, "")))
    return errors, event
