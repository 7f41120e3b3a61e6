"""Whether the dashboard and the alert rules ask for what there is: check_operations.py FOLDER

Every metric and label has to be in docs/reference/metrics.md, and every metric there on the dashboard. The dashboard's expressions
are written into FOLDER as a file of rules, so that Prometheus' own tool can parse them. Each name is then misspelt in a copy, to see
that it is found.
"""
import json
import pathlib
import re
import sys

import yaml

OPERATIONS = pathlib.Path("docs/operations")
METRICS = pathlib.Path("docs/reference/metrics.md")
# What Prometheus and the kubelet add, with the labels that may be asked for.
OTHERS = {
    "up": ("gauge", {"job"}),
    "kubelet_volume_stats_available_bytes": ("gauge", {"persistentvolumeclaim"}),
    "kubelet_volume_stats_capacity_bytes": ("gauge", {"persistentvolumeclaim"}),
}
EVERYWHERE = {"instance", "job"}
METRIC = r"\b(?:audit_\w+|kubelet_\w+|up)\b"
VARIABLES = {"$__rate_interval": "5m", "$__range": "6h", "$instance": ".*"}


def documented():
    """By name: the type, and the labels."""
    known = {}
    for line in METRICS.read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            name, type_, _, labels, _ = [cell.strip() for cell in line.strip("|").split("|")]
            known[name.strip("`")] = (type_, set(re.findall(r"`(\w+)`", labels)))
    return known


def series(name, known):
    """What a name in an expression belongs to: a histogram has several."""
    base = re.sub(r"_(bucket|sum|count)$", "", name)
    if base != name and known.get(base, ("", ()))[0] == "histogram":
        return "counter", known[base][1] | ({"le"} if name.endswith("_bucket") else set())
    if known.get(name, ("", ()))[0] == "histogram":
        return None
    return known.get(name)


def check(place, expression, shown, known):
    """One expression, and the labels that are shown beside it."""
    labels = set(EVERYWHERE)
    text = re.sub(r'"[^"]*"', '""', expression)
    for name in set(re.findall(METRIC, text)):
        found = series(name, known)
        if found is None:
            yield f"{place}: no metric is called {name}"
            continue
        type_, own = found
        labels |= own
        for matchers in re.findall(rf"\b{name}\s*{{([^}}]*)}}", text):
            for label in re.findall(r"(\w+)\s*[=!]", matchers):
                if label not in own | EVERYWHERE:
                    yield f"{place}: {name} has no label {label}"
        if re.search(rf"\b(?:rate|increase)\({name}\b", text) and type_ != "counter":
            yield f"{place}: the rate of a {type_}, {name}"
    grouped = re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", text)
    for label in {label.strip() for group in grouped for label in group.split(",")} | shown:
        if label not in labels:
            yield f"{place}: nothing there has the label {label}"


def panels(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def expressions(dashboard, rules):
    """Where it is, the expression, and the labels that its text shows."""
    for panel in panels(dashboard):
        for target in panel["targets"]:
            shown = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            yield f"dashboard, {panel['title']}", target["expr"], shown
    for rule in rules:
        text = " ".join(rule["annotations"].values())
        yield f"rule {rule['alert']}", rule["expr"], set(re.findall(r"\$labels\.(\w+)", text))


def findings(dashboard, rules, tests, known):
    used = set()
    for place, expression, shown in expressions(dashboard, rules):
        yield from check(place, expression, shown, known)
        used |= {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(METRIC, expression)}
        used |= set(re.findall(METRIC, expression))
    for name in sorted(set(known) - used):
        yield f"{name} is neither on the dashboard nor in a rule"
    for rule in rules:
        if not re.search(rf"\b{rule['alert']}\b", tests):
            yield f"rule {rule['alert']} has no test"
        for key in ("summary", "action"):
            if key not in rule["annotations"]:
                yield f"rule {rule['alert']} says no {key}"
        if rule["labels"].get("severity") not in ("critical", "warning", "info"):
            yield f"rule {rule['alert']} has no severity"
    ids = [panel["id"] for panel in dashboard["panels"]]
    if len(ids) != len(set(ids)):
        yield "two panels have the same id"
    taken = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        if cells & taken or at["x"] + at["w"] > 24:
            yield f"dashboard, {panel['title']}: not in a place of its own"
        taken |= cells


def main():
    folder = pathlib.Path(sys.argv[1])
    known = documented()
    dashboard_text = (OPERATIONS / "grafana-dashboard.json").read_text(encoding="utf-8")
    rules_text = (OPERATIONS / "prometheus-rules.yaml").read_text(encoding="utf-8")
    tests = (OPERATIONS / "prometheus-rules.test.yaml").read_text(encoding="utf-8")

    def check_all(dashboard_text, rules_text):
        groups = yaml.safe_load(rules_text)["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        return list(findings(json.loads(dashboard_text), rules, tests, {**known, **OTHERS}))

    found = [finding for finding in check_all(dashboard_text, rules_text)
             if not any(finding.startswith(name) for name in OTHERS)]
    count = 0
    for name in sorted(known):
        misspelt = name.replace("audit_log_", "audit_lgo_")
        for label, texts in (("dashboard", (dashboard_text.replace(name, misspelt), rules_text)),
                             ("rules", (dashboard_text, rules_text.replace(name, misspelt)))):
            if texts == (dashboard_text, rules_text):
                continue
            count += 1
            if not set(check_all(*texts)) - set(found):
                found.append(f"not noticed: {misspelt} in the {label}")
    for finding in found:
        print(finding)

    rules = []
    for panel in panels(json.loads(dashboard_text)):
        for target in panel["targets"]:
            expression = target["expr"]
            for name, value in VARIABLES.items():
                expression = expression.replace(name, value)
            rules.append({"record": f"panel:{panel['id']}:{target['refId']}", "expr": expression})
    document = {"groups": [{"name": "dashboard", "rules": rules}]}
    (folder / "dashboard.rules.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    print(f"{len(known)} metrics, {len(rules)} expressions on the dashboard, {count} broken copies, {len(found)} findings")
    sys.exit(1 if found or not known or not rules else 0)


main()
